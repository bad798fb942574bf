package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondFile
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.readByte
import io.ktor.utils.io.writeByte
import io.netpark.core.loop.EventLoop
import io.netpark.core.testing.Baseline
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.ktor.behaviour.post
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import java.nio.file.Files
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.seconds

private const val THREADS = 4

/** Calls that run on a dispatcher, and not on the event loop of their connection. */
class DispatchedCallsSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    val number = AtomicInteger()
    val latch = object { @Volatile var release = CountDownLatch(1) }
    val blocked = AtomicInteger()
    val cancelled = AtomicInteger()
    val file = Files.createTempFile("dispatched", ".bin")
    val content = ByteArray(300_000) { it.toByte() }

    lateinit var executor: ExecutorService
    lateinit var dispatcher: ExecutorCoroutineDispatcher
    lateinit var server: Server
    lateinit var baseline: Baseline

    fun blockedCall() {
        blocked.incrementAndGet()
        check(latch.release.await(SOON.inWholeSeconds, TimeUnit.SECONDS)) { "nobody has released it" }
    }

    beforeSpec {
        baseline = Baseline.now()
        Files.write(file, content)
        executor = Executors.newFixedThreadPool(THREADS) { task ->
            Thread(task, "calls-${number.incrementAndGet()}").apply { isDaemon = true }
        }
        dispatcher = executor.asCoroutineDispatcher()
        server = serverOf(configure = { callDispatcher = dispatcher; eventLoops = 1 }) {
            routing {
                get("/thread") {
                    val before = Thread.currentThread().name
                    yield()
                    val isDispatched = call.coroutineContext[ContinuationInterceptor] === dispatcher
                    call.respondText("$before ${Thread.currentThread().name} $isDispatched ${EventLoop.current()}")
                }
                get("/blocked") {
                    blockedCall()
                    call.respondText("released")
                }
                get("/id/{id}") { call.respondText(call.parameters["id"]!!) }
                post("/length") { call.respondText("${call.receiveText().length}") }
                post("/unread") { call.respondText("unread") }
                get("/stream") { call.respondTextWriter { repeat(3) { write("part $it\n"); flush() } } }
                get("/file") { call.respondFile(file.toFile()) }
                get("/failing") { error("expected") }
                get("/silent") {}
                get("/upgrade") {
                    call.respond(object : OutgoingContent.ProtocolUpgrade() {
                        override suspend fun upgrade(
                            input: ByteReadChannel,
                            output: ByteWriteChannel,
                            engineContext: CoroutineContext,
                            userContext: CoroutineContext,
                        ): Job = CoroutineScope(engineContext).launch {
                            output.writeByte((input.readByte() + 1).toByte())
                            output.flush()
                        }
                    })
                }
                route("/watched") {
                    install(HttpRequestLifecycle) { cancelCallOnClose = true }
                    get {
                        blocked.incrementAndGet()
                        try {
                            awaitCancellation()
                        } catch (e: CancellationException) {
                            cancelled.incrementAndGet()
                            throw e
                        }
                    }
                }
            }
        }
        server.start()
    }
    beforeTest {
        latch.release = CountDownLatch(1)
        blocked.set(0)
        cancelled.set(0)
    }
    afterSpec {
        server.stop(0, 1000)
        dispatcher.close()
        Files.delete(file)
        baseline.shouldBeRestored()
    }

    test("a call runs on the dispatcher from its begin to its end, and never on a loop") {
        server.connect().use { peer ->
            repeat(20) {
                peer.send(get("/thread"))
                val words = peer.answer().text.split(' ')
                words[0] shouldStartWith "calls-"
                words[1] shouldStartWith "calls-"
                words.drop(2) shouldContainExactly listOf("true", "null")
            }
        }
    }

    test("handlers that block all threads of the dispatcher but one keep nobody from an answer") {
        val peers = (1 until THREADS).map { server.connect() }
        try {
            for (peer in peers) peer.send(get("/blocked"))
            eventually { blocked.get() shouldBe THREADS - 1 }
            server.connect().use { peer ->
                peer.send(get("/id/other"))
                peer.answer().text shouldBe "other"
            }
            latch.release.countDown()
            for (peer in peers) peer.answer().text shouldBe "released"
        } finally {
            peers.forEach { it.close() }
        }
    }

    test("with all threads blocked a call waits for one, and the loop goes on: a refusal comes at once") {
        val peers = (0..THREADS).map { server.connect() }
        try {
            for (peer in peers) peer.send(get("/blocked"))
            eventually { blocked.get() shouldBe THREADS }
            server.connect().use { peer ->
                peer.send("nonsense\r\n\r\n")
                peer.answer().status shouldBe 400
            }
            blocked.get() shouldBe THREADS
            latch.release.countDown()
            for (peer in peers) peer.answer().text shouldBe "released"
        } finally {
            peers.forEach { it.close() }
        }
    }

    test("pipelined calls run side by side, and are answered in order") {
        server.connect().use { peer ->
            peer.send(get("/blocked") + (1..10).joinToString("") { get("/id/$it") } + get("/blocked") + get("/id/last"))
            eventually { blocked.get() shouldBe 2 }
            latch.release.countDown()
            val answers = List(13) { peer.answer().text }
            answers shouldContainExactly listOf("released") + (1..10).map { "$it" } + listOf("released", "last")
        }
    }

    test("bodies, answers in parts, files and failures, one behind the other on one connection") {
        server.connect().use { peer ->
            repeat(3) {
                peer.send(post("/length", "x".repeat(70_000)))
                peer.answer().text shouldBe "70000"
                peer.send(post("/unread", "y".repeat(70_000)))
                peer.answer().text shouldBe "unread"
                peer.send(get("/stream"))
                peer.answer().text shouldBe "part 0\npart 1\npart 2\n"
                peer.send(get("/file"))
                peer.answer().body.contentEquals(content) shouldBe true
                peer.send(get("/failing"))
                peer.answer().status shouldBe 500
                peer.send(get("/silent"))
                peer.answer().status shouldBe 404
            }
        }
    }

    test("an upgrade runs there as well") {
        server.connect().use { peer ->
            peer.send(get("/upgrade", "Connection: upgrade", "Upgrade: next") + "a")
            peer.answerHead().status shouldBe 101
            peer.text(1) shouldBe "b"
            peer.isEnded() shouldBe true
        }
    }

    test("a client that has gone before a thread is free for its call cancels it, too") {
        val peers = (1..THREADS).map { server.connect() }
        try {
            for (peer in peers) peer.send(get("/blocked"))
            eventually { blocked.get() shouldBe THREADS }
            val leaving = server.connect()
            leaving.send(get("/watched"))
            server.connect().use { peer -> // the loop has heard of the call, and by the next of the reset
                peer.send("nonsense\r\n\r\n")
                peer.answer().status shouldBe 400
            }
            leaving.reset()
            server.connect().use { peer ->
                peer.send("nonsense\r\n\r\n")
                peer.answer().status shouldBe 400
            }
            latch.release.countDown()
            for (peer in peers) peer.answer().text shouldBe "released"
            eventually { cancelled.get() shouldBe 1 }
        } finally {
            latch.release.countDown()
            peers.forEach { it.close() }
        }
    }

    test("a client that goes away has its calls cancelled, and the threads are free again") {
        repeat(3) {
            val peer = server.connect()
            peer.send((1..THREADS).joinToString("") { get("/watched") })
            eventually { blocked.get() shouldBe THREADS }
            peer.reset()
            eventually { cancelled.get() shouldBe THREADS }
            blocked.set(0)
            cancelled.set(0)
        }
        server.connect().use { peer ->
            peer.send(get("/id/7"))
            peer.answer().text shouldBe "7"
        }
    }
})
