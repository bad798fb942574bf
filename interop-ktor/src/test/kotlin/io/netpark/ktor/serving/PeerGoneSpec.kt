package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.uri
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.shouldReturnToBaseline
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Clients that go away, calls behind one another, and calls that hold their loop. */
class PeerGoneSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    val begun = Semaphore(0)
    val cancelled = AtomicInteger()
    val finished = AtomicInteger()
    fun server() = serverOf(configure = { maxPipelinedCalls = 4 }) {
        routing {
            route("/wanted") {
                install(HttpRequestLifecycle) { cancelCallOnClose = true }
                get {
                    begun.release()
                    try {
                        awaitCancellation()
                    } catch (e: CancellationException) {
                        cancelled.incrementAndGet()
                        throw e
                    }
                }
            }
            get("/unasked") {
                begun.release()
                delay(300.milliseconds)
                finished.incrementAndGet()
                call.respondText("late")
            }
            get("/after") {
                delay(call.parameters["ms"]!!.toLong().milliseconds)
                call.respondText(call.parameters["ms"]!!)
            }
        }
    }

    fun begins() = begun.tryAcquire(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS) shouldBe true

    for ((way, leave) in mapOf<String, io.netpark.ktor.behaviour.Peer.() -> Unit>(
        "closes" to { close() }, "ends its output" to { endOutput() }, "resets" to { reset() },
    )) {
        test("a client that $way cancels its call, if that is wished") {
            shouldReturnToBaseline {
                serving(server()) {
                    cancelled.set(0)
                    val peer = it.connect()
                    peer.send(get("/wanted"))
                    begins()
                    peer.leave()
                    eventually { cancelled.get() shouldBe 1 }
                    peer.close()
                }
            }
        }
    }

    test("a client that ends its output, and nothing is wished, gets its answer") {
        serving(server()) {
            it.connect().use { peer ->
                peer.send(get("/unasked"))
                begins()
                peer.endOutput()
                peer.answer().text shouldBe "late"
                peer.isEnded() shouldBe true
            }
        }
    }

    test("calls that wait side by side are no more than allowed, and answers keep their order") {
        serving(server()) {
            it.connect().use { peer ->
                val times = listOf(400, 1, 200, 1, 100, 1, 1, 300, 1)
                peer.send(times.joinToString("") { get("/after?ms=$it") })
                times.map { peer.answer().text } shouldContainExactly times.map { "$it" }
            }
            cancelled.set(0)
            val peer = it.connect()
            peer.send(get("/wanted").repeat(6))
            repeat(4) { begins() }
            begun.tryAcquire(200, TimeUnit.MILLISECONDS) shouldBe false
            peer.reset()
            eventually { cancelled.get() shouldBe 4 }
        }
    }

    test("an answer that ends the connection leaves the calls behind it without one") {
        serving(server()) {
            it.connect().use { peer ->
                peer.send(get("/after?ms=100", "Connection: close") + get("/after?ms=1"))
                peer.answer().endsConnection shouldBe true
                peer.isEnded() shouldBe true
            }
        }
    }

    test("a client that has gone before the plugin knows of its call cancels it, too") {
        val gate = CompletableDeferred<Unit>()
        val waiting = Semaphore(0)
        val server = serverOf(configure = { eventLoops = 1 }) {
            intercept(ApplicationCallPipeline.Setup) {
                if (call.request.uri != "/later") return@intercept
                waiting.release()
                gate.await()
            }
            install(HttpRequestLifecycle) { cancelCallOnClose = true }
            routing {
                get("/other") { call.respondText("other") }
                get("/later") {
                    begun.release()
                    try {
                        awaitCancellation()
                    } finally {
                        cancelled.incrementAndGet()
                    }
                }
            }
        }
        serving(server) {
            cancelled.set(0)
            val peer = it.connect()
            peer.send(get("/later"))
            waiting.tryAcquire(SOON.inWholeMilliseconds, TimeUnit.MILLISECONDS) shouldBe true
            peer.reset()
            it.connect().use { other -> // the loop has heard of the reset
                other.send(get("/other"))
                other.answer().text shouldBe "other"
            }
            gate.complete(Unit)
            begins()
            eventually { cancelled.get() shouldBe 1 }
        }
    }

    for (path in listOf("/blocking", "/suspended", "/launching")) {
        test("a call that holds its loop is named by the watchdog: $path") {
            val reports = CopyOnWriteArrayList<String>()
            val release = CountDownLatch(1)
            val go = CompletableDeferred<Unit>()
            val server = serverOf(configure = {
                eventLoops = 1
                loops = {
                    watchdog(Duration.ofSeconds(2)) // it tells once: not of a loop that gets no processor before the call has begun
                    reporter { what, _ -> reports += what }
                }
            }) {
                routing {
                    get("/blocking") { release.await(); call.respondText("OK") }
                    get("/suspended") { delay(1.milliseconds); release.await(); call.respondText("OK") }
                    get("/launching") { call.launch { go.await(); release.await() }; call.respondText("OK") }
                    get("/go") { go.complete(Unit); call.respondText("OK") }
                }
            }
            serving(server) {
                it.connect().use { peer ->
                    peer.send(get(path) + get("/go"))
                    try {
                        eventually { reports.any { report -> "GET $path\"" in report } shouldBe true }
                    } finally {
                        release.countDown()
                    }
                    repeat(2) { peer.answer().text shouldBe "OK" }
                }
            }
        }
    }
})
