package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondOutputStream
import io.ktor.server.response.respondText
import io.ktor.server.routing.Route
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.writeFully
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.delay
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.minutes

private object Calls {
    val begun = AtomicInteger()
    val ended = AtomicInteger()
    val cancelled = AtomicInteger()

    @Volatile
    var resume = CompletableDeferred<Unit>()

    @Volatile
    var cause: Throwable? = null

    fun reset() {
        begun.set(0)
        ended.set(0)
        cancelled.set(0)
        cause = null
        resume = CompletableDeferred()
    }

    suspend fun <T> noted(body: suspend () -> T): T {
        begun.incrementAndGet()
        try {
            return body()
        } catch (e: CancellationException) {
            cause = e
            cancelled.incrementAndGet()
            throw e
        } finally {
            ended.incrementAndGet()
        }
    }
}

/** An answer that has no end. */
private object Endless : OutgoingContent.WriteChannelContent() {
    override suspend fun writeTo(channel: ByteWriteChannel) {
        val bytes = ByteArray(512)
        while (true) {
            channel.writeFully(bytes)
            channel.flush()
            delay(5)
        }
    }
}

private fun Route.calls() {
    get("/waiting") { Calls.noted { delay(5.minutes) } }
    get("/endless") { Calls.noted { call.respond(Endless) } }
    get("/stuck") {
        Calls.noted {
            call.respond(object : OutgoingContent.WriteChannelContent() {
                override suspend fun writeTo(channel: ByteWriteChannel) {
                    val bytes = ByteArray(65536)
                    while (true) channel.writeFully(bytes)
                }
            })
        }
    }
    post("/body") { Calls.noted { call.respondText("${call.receiveText().length}") } }
    get("/quick") { Calls.noted { call.respondText("OK") } }
    get("/stream") {
        Calls.noted {
            call.respondOutputStream {
                repeat(3) {
                    write("OK;".toByteArray())
                    delay(20)
                }
            }
        }
    }
    post("/resumed") {
        Calls.noted {
            Calls.resume.await()
            call.respondText("pong")
        }
    }
}

/** Clients that go away in the midst of a call, and those that only seem to. */
class ClientGoneSpec : BehaviourSpec(
    application = {
        routing {
            route("/watched") {
                install(HttpRequestLifecycle) { cancelCallOnClose = true }
                calls()
            }
            route("/plain") { calls() }
        }
    },
    body = {
        val tlsOnly = Scheme.all - Scheme.HTTP

        /** A request on a connection that [leave]s once its handler runs. */
        fun Site.leaving(request: String, leave: Peer.() -> Unit) {
            Calls.reset()
            val peer = connect()
            peer.send(request)
            eventually { Calls.begun.get() shouldBe 1 }
            peer.leave()
        }

        for ((how, leave) in listOf<Pair<String, Peer.() -> Unit>>("closes" to { close() }, "resets" to { reset() })) {
            promise("the client $how its connection: its waiting call is cancelled, and told why") { site ->
                site.leaving(get("/watched/waiting"), leave)
                eventually { Calls.ended.get() shouldBe 1 } // or its end would be the next call's
                Calls.cancelled.get() shouldBe 1
                val causes = generateSequence(Calls.cause) { it.cause }.map { it::class.simpleName }.toList()
                check("ConnectionClosedException" in causes) { causes }
            }

            behaviour("the client $how its connection: an answer without end comes to its end") { site ->
                site.leaving(get("/plain/endless"), leave)
                eventually { Calls.ended.get() shouldBe 1 }
            }

            behaviour("the client $how its connection: a write that is stuck comes to its end") { site ->
                site.leaving(get("/plain/stuck")) {
                    answerHead()
                    Thread.sleep(100)
                    leave()
                }
                eventually { Calls.ended.get() shouldBe 1 }
            }

            behaviour("the client $how its connection: a handler that waits for its body does not wait for ever") { site ->
                site.leaving(head("POST /plain/body HTTP/1.1", "Host: localhost", "Content-Length: 1000") + "abc", leave)
                eventually { Calls.ended.get() shouldBe 1 }
            }
        }

        promise("a client that goes without close_notify: its calls end, waiting or writing", schemes = tlsOnly) { site ->
            site.leaving(get("/watched/waiting")) { cut() }
            eventually { Calls.ended.get() shouldBe 1 }
            Calls.cancelled.get() shouldBe 1
            site.leaving(get("/plain/endless")) { cut() }
            eventually { Calls.ended.get() shouldBe 1 }
            site.leaving(head("POST /watched/body HTTP/1.1", "Host: localhost", "Content-Length: 1000") + "abc") { cut() }
            eventually { Calls.ended.get() shouldBe 1 }
        }

        promise("a client that ends its output by close_notify, after its request, gets its answer", schemes = tlsOnly) { site ->
            site.leaving(post("/plain/resumed", "")) {
                endOutput()
                Calls.resume.complete(Unit)
                answer().text shouldBe "pong"
                close()
            }
            eventually { Calls.ended.get() shouldBe 1 }
            Calls.cancelled.get() shouldBe 0
        }

        behaviour("a call that nobody wants cancelled is not cancelled by its client's end") { site ->
            site.leaving(post("/plain/resumed", "")) { close() }
            Thread.sleep(200)
            Calls.ended.get() shouldBe 0
            Calls.resume.complete(Unit)
            eventually { Calls.ended.get() shouldBe 1 }
            Calls.cancelled.get() shouldBe 0
        }

        behaviour("calls that come to their end are not cancelled, request after request") { site ->
            site.connect().use { peer ->
                repeat(20) {
                    Calls.reset()
                    peer.send(get("/watched/quick"))
                    peer.answer().text shouldBe "OK"
                    eventually { Calls.ended.get() shouldBe 1 }
                    Calls.cancelled.get() shouldBe 0
                }
            }
        }

        behaviour("a stream whose call is watched comes whole") { site ->
            Calls.reset()
            site.get("/watched/stream").body() shouldBe "OK;OK;OK;"
            eventually { Calls.ended.get() shouldBe 1 }
            Calls.cancelled.get() shouldBe 0
        }

        behaviour("Connection: close, a body that comes late, a handler that waits: it is not cancelled") { site ->
            Calls.reset()
            site.connect().use { peer ->
                peer.sendHead("POST /watched/resumed HTTP/1.1", "Host: localhost", "Content-Length: 15", "Connection: close")
                eventually { Calls.begun.get() shouldBe 1 }
                peer.send("{\"key\":\"value\"}")
                Thread.sleep(100)
                Calls.resume.complete(Unit)
                peer.answer().text shouldBe "pong"
            }
            eventually { Calls.ended.get() shouldBe 1 }
            Calls.cancelled.get() shouldBe 0
        }

        behaviour("after clients that have gone the next is served") { site -> // KTOR-9524, KTOR-7965
            repeat(20) { round ->
                site.leaving(get("/watched/waiting")) { if (round % 2 == 0) reset() else close() }
            }
            site.get("/plain/quick").body() shouldBe "OK"
        }
    },
)
