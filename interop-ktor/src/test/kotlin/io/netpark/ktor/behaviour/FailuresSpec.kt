package io.netpark.ktor.behaviour

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.application.createApplicationPlugin
import io.ktor.server.application.createRouteScopedPlugin
import io.ktor.server.application.hooks.ResponseSent
import io.ktor.server.application.install
import io.ktor.server.engine.BaseApplicationEngine
import io.ktor.server.engine.EnginePipeline
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.plugins.NotFoundException
import io.ktor.server.plugins.PayloadTooLargeException
import io.ktor.server.request.ApplicationReceivePipeline
import io.ktor.server.request.path
import io.ktor.server.request.receive
import io.ktor.server.response.ApplicationSendPipeline
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.util.pipeline.PipelinePhase
import io.netpark.core.testing.eventually
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

/** Where an error is to happen in the next call; whatever has been logged as an error is kept. */
private object Errors {
    @Volatile
    var phase: PipelinePhase? = null
    val logged = ConcurrentLinkedQueue<Throwable>()
    val sent = AtomicInteger()
    val endless = AtomicInteger()

    val logger: Logger = object : Logger by NOPLogger.NOP_LOGGER {
        override fun isErrorEnabled() = true

        override fun error(message: String?, cause: Throwable?) {
            if (cause != null) logged += cause
        }
    }

    /** Once, in the phase that was chosen. */
    fun happen(where: PipelinePhase) {
        if (where == phase) {
            phase = null
            throw IllegalStateException("failed in $where")
        }
    }
}

private fun Application.failing() {
    for (phase in callPhases) intercept(phase) { Errors.happen(phase) }
    intercept(ApplicationCallPipeline.Setup) {
        for (phase in receivePhases) call.request.pipeline.intercept(phase) { Errors.happen(phase) }
        for (phase in sendPhases) call.response.pipeline.intercept(phase) { Errors.happen(phase) }
    }
    install(
        createApplicationPlugin("respond") {
            onCallRespond { call -> if (call.request.path() == "/plugin") error("oh no") }
        },
    )
    routing {
        get("/") { call.respond("SUCCESS") }
        post("/") { call.respond("SUCCESS ${call.receive<String>()}") }
        get("/plugin") { call.respondText("hello") }
        get("/throws") { throw IllegalStateException("expected") }
        get("/error") { throw NoClassDefFoundError("expected") }
        get("/stack") { deep(0).let { call.respondText("$it") } }
        get("/writer") { call.respondTextWriter { throw IllegalStateException("expected") } }
        get("/endless") {
            Errors.endless.incrementAndGet()
            try {
                call.respondTextWriter {
                    while (true) {
                        write("more and more\n")
                        flush()
                    }
                }
            } finally {
                Errors.endless.decrementAndGet()
            }
        }
        get("/bad") { throw BadRequestException("expected") }
        get("/missing") { throw NotFoundException("expected") }
        get("/large") { throw PayloadTooLargeException(1) }
        get("/cancelled") { throw kotlin.coroutines.cancellation.CancellationException("by the handler itself") }
        route("/sent") {
            install(createRouteScopedPlugin("sent") { on(ResponseSent) { Errors.sent.incrementAndGet() } })
            get { throw BadRequestException("expected") }
        }
    }
}

private fun deep(depth: Int): Int = if (depth < 0) depth else deep(depth + 1) + 1

private val callPhases = with(ApplicationCallPipeline) { listOf(Setup, Monitoring, Plugins, Call) }
private val receivePhases = with(ApplicationReceivePipeline) { listOf(Before, Transform, After) }
private val sendPhases =
    with(ApplicationSendPipeline) { listOf(Before, Transform, Render, ContentEncoding, TransferEncoding, After) }

/** Handlers and plugins that fail. */
class FailuresSpec : BehaviourSpec(
    log = Errors.logger,
    application = Application::failing,
    body = {
        /** An answer of 500, and one line of the log. */
        fun Site.failsOnce(request: String, message: String) {
            Errors.logged.clear()
            ask(request).status shouldBe 500
            eventually { Errors.logged shouldHaveSize 1 }
            Errors.logged.single().message shouldBe message
        }

        behaviour("an exception in a handler is a 500, logged once, and the next call works") { site ->
            site.failsOnce(get("/throws"), "expected")
            site.ask(get("/")).text shouldBe "SUCCESS"
        }

        behaviour("an error of the JVM in a handler is a 500") { site -> site.failsOnce(get("/error"), "expected") }

        promise("a stack that overflows in a handler is a 500") { site ->
            site.ask(get("/stack")).status shouldBe 500
            site.ask(get("/")).text shouldBe "SUCCESS"
        }

        for (phase in callPhases) {
            behaviour("an exception in the phase $phase of a call") { site ->
                Errors.phase = phase
                site.failsOnce(get("/"), "failed in $phase")
            }
        }

        for (phase in receivePhases) {
            behaviour("an exception in the phase $phase of receiving") { site ->
                Errors.phase = phase
                site.failsOnce(post("/", "body"), "failed in $phase")
            }
        }

        for (phase in sendPhases) {
            behaviour("an exception in the phase $phase of sending") { site ->
                Errors.phase = phase
                site.failsOnce(get("/"), "failed in $phase")
            }
        }

        behaviour("an exception in a plugin that is asked at every answer") { site ->
            Errors.logged.clear()
            site.connect().use { peer ->
                peer.send(get("/plugin"))
                peer.answerOrCut()?.let { it.status shouldBe 500 }
            }
            eventually { check(Errors.logged.any { it.message == "oh no" }) }
        }

        behaviour("an exception in a writer of text is logged") { site ->
            Errors.logged.clear()
            site.connect().use { peer ->
                peer.send(get("/writer"))
                peer.answerOrCut()
            }
            eventually { check(Errors.logged.any { it.message == "expected" }) }
        }

        behaviour("exceptions that Ktor knows have their statuses") { site ->
            site.ask(get("/bad")).status shouldBe 400
            site.ask(get("/missing")).status shouldBe 404
            site.ask(get("/large")).status shouldBe 413
        }

        promise("a body that ends too early is a 400 to who can still read it, and no error of the log") { site ->
            Errors.logged.clear()
            for (request in listOf(
                head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 10") + "begun",
                head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 10"),
                head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") + "5\r\nbegun\r\n",
                head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") + "5\r\nbegun\r\n0\r\nT: t\r\n",
            )) {
                site.connect().use { peer ->
                    peer.send(request)
                    peer.endOutput()
                    val answer = peer.answer()
                    answer.status shouldBe 400
                    answer.endsConnection shouldBe true
                    peer.isEnded() shouldBe true
                }
            }
            Errors.logged.toList() shouldHaveSize 0
        }

        behaviour("a plugin is told that an answer was sent, though its handler failed") { site ->
            Errors.sent.set(0)
            site.ask(get("/sent")).status shouldBe 400
            eventually { Errors.sent.get() shouldBe 1 }
        }

        behaviour("clients that go away are no errors of the log") { site -> // KTOR-646
            Errors.logged.clear()
            repeat(5) { round ->
                site.connect().use { peer ->
                    peer.send(get("/endless"))
                    peer.answerHead()
                    if (round % 2 == 0) peer.reset()
                }
                site.connect().use { it.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Le") }
            }
            eventually { Errors.endless.get() shouldBe 0 }
            Errors.logged.toList() shouldHaveSize 0
        }

        behaviour("a handler that cancels itself harms no other call") { site -> // #5516: it killed the server
            site.connect().use { peer ->
                peer.send(get("/cancelled", "Connection: close"))
                peer.answerOrCut()
            }
            site.ask(get("/")).text shouldBe "SUCCESS"
        }

        test("an exception in the engine's own pipeline is a 500, logged once") {
            RunningApplication(Errors.logger, onMonitor = {}) { routing { get("/") { call.respond("SUCCESS") } } }.use { running ->
                (running.server.engine as BaseApplicationEngine).pipeline.intercept(EnginePipeline.Before) {
                    throw IllegalStateException("in the engine")
                }
                for (site in running.sites) site.failsOnce(get("/"), "in the engine")
            }
        }
    },
)
