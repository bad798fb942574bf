package io.netpark.ktor.serving

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.application.ApplicationStopPreparing
import io.ktor.server.application.ServerReady
import io.ktor.server.engine.applicationEnvironment
import io.ktor.server.engine.connector
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.ktor.utils.io.writeFully
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.shouldReturnToBaseline
import io.netpark.coroutines.Buffering
import io.netpark.ktor.NetparkApplicationEngine
import io.netpark.ktor.behaviour.Scheme
import io.netpark.ktor.behaviour.Site
import io.netpark.ktor.unixConnector
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import java.io.IOException
import java.net.StandardProtocolFamily
import java.net.UnixDomainSocketAddress
import java.nio.ByteBuffer
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** How an engine starts and stops. */
class LifecycleSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    fun hello() = serverOf { routing { get("/") { call.respondText("Hello") } } }

    test("an engine that was stopped can be started again, and nothing of the first run is left") {
        shouldReturnToBaseline {
            val server = hello()
            repeat(3) {
                server.start()
                server.connect().use { peer ->
                    peer.send(get("/"))
                    peer.answer().text shouldBe "Hello"
                }
                server.stop(0, 1000)
            }
        }
    }

    test("an engine that was stopped knows where it has listened, until it listens elsewhere") {
        val server = hello()
        serving(server) { it.port shouldBeGreaterThan 0 }
        server.port shouldBeGreaterThan 0
        serving(server) {
            it.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "Hello"
            }
        }
    }

    test("a port in use is said so, and nothing is left running") {
        serving(hello()) { first ->
            shouldReturnToBaseline {
                val second = serverOf(configure = {
                    connector {
                        host = "127.0.0.1"
                        port = 0
                    }
                    connector {
                        host = "127.0.0.1"
                        port = first.port
                    }
                }) {}
                shouldThrow<NetparkException> { second.start() }.message shouldContain "${first.port}"
                second.engine.group shouldBe null
                second.stop(0, 0)
            }
        }
    }

    test("the engine says when it can be reached, and when it is about to stop") {
        val told = CopyOnWriteArrayList<String>()
        val server = hello().on {
            subscribe(ServerReady) { told += "ready" }
            subscribe(ApplicationStopPreparing) { told += "stopping" }
        }
        serving(server) { it.port shouldBeGreaterThan 0 }
        told shouldContainExactly listOf("ready", "stopping")
    }

    test("who is told that the engine can be reached may have it stopped by another thread, and wait for that") {
        lateinit var server: Server
        server = hello().on { subscribe(ServerReady) { thread { server.engine.stop(0, 1000) }.join() } }
        server.start()
        server.engine.group shouldBe null
        server.stop(0, 0)
    }

    test("limits of a head that a connection cannot hold are refused at the start, and nothing is left running") {
        shouldReturnToBaseline {
            val server = serverOf(configure = {
                maxHeadSize = 64 * 1024
                buffering = Buffering(inputLimit = 64 * 1024)
            }) {}
            shouldThrow<IllegalArgumentException> { server.start() }.message shouldContain "inputLimit"
            server.engine.group shouldBe null
            server.stop(0, 0)
        }
    }

    test("an application that cannot be made anew is a 503, and the reason is logged") {
        val reasons = CopyOnWriteArrayList<String>()
        val log = object : Logger by NOPLogger.NOP_LOGGER {
            override fun error(message: String?, reason: Throwable?) {
                reasons += "$message: ${reason?.message}"
            }
        }
        val server = hello()
        val broken = AtomicBoolean()
        val configuration = NetparkApplicationEngine.Configuration().apply {
            connector {
                host = "127.0.0.1"
                port = 0
            }
        }
        val environment = applicationEnvironment { this.log = log }
        val engine = NetparkApplicationEngine(environment, server.monitor, true, configuration) {
            check(!broken.get()) { "on purpose" }
            server.application
        }
        engine.start(wait = false)
        try {
            broken.set(true)
            val port = runBlocking { engine.resolvedConnectors().single().port }
            Site(Scheme.HTTP, port).connect().use { peer ->
                peer.send(get("/"))
                peer.answer().status shouldBe 503
                peer.isEnded() shouldBe true
            }
            eventually { reasons.single() shouldContain "on purpose" }
        } finally {
            engine.stop(0, 1000)
        }
    }

    test("stopping waits for nobody when nobody is at work: idle connections are closed at once") {
        val server = hello()
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            peer.answer().text shouldBe "Hello"
            val began = TimeSource.Monotonic.markNow()
            server.stop(60_000, 60_000)
            check(began.elapsedNow() < 30.seconds) { "it waited ${began.elapsedNow()}" }
            peer.isEnded() shouldBe true
        }
    }

    test("a call in progress is finished while the server stops, and its answer says that it is the last") {
        val begun = CountDownLatch(1)
        val goOn = CompletableDeferred<Unit>()
        val server = serverOf {
            routing {
                get("/") {
                    begun.countDown()
                    goOn.await()
                    call.respondText("done")
                }
            }
        }
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            begun.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            val port = server.port
            val stop = thread { server.stop(60_000, 60_000) }
            eventually { shouldThrow<java.io.IOException> { java.net.Socket("127.0.0.1", port).close() } }
            goOn.complete(Unit)
            val answer = peer.answer()
            answer.text shouldBe "done"
            answer.endsConnection shouldBe true
            peer.isEnded() shouldBe true
            stop.join(SOON.inWholeMilliseconds)
            stop.isAlive shouldBe false
        }
    }

    test("a call that outlasts the grace period is cancelled, and its client is told that the server does not serve any more") {
        val begun = CountDownLatch(1)
        val cancelled = CountDownLatch(1)
        val server = serverOf {
            routing {
                get("/") {
                    begun.countDown()
                    try {
                        awaitCancellation()
                    } catch (e: CancellationException) {
                        cancelled.countDown()
                        throw e
                    }
                }
            }
        }
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            begun.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            server.stop(50, 60_000)
            cancelled.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            val answer = peer.answer()
            answer.status shouldBe 503
            answer.endsConnection shouldBe true
            peer.isEnded() shouldBe true
        }
    }

    test("a call that begins when the grace period is over is cancelled at once, as those in progress were") {
        val server = serverOf(configure = { loops = { metrics(true) } }) { routing { get("/") { awaitCancellation() } } }
        server.start()
        server.connect().use { peer ->
            peer.send("GET / HTTP/1.1\r\n") // a head that has begun: its connection is not idle
            val port = server.port
            eventually { server.engine.group!!.snapshot().total().bytesIn() shouldBeGreaterThan 0L }
            val stop = thread { server.stop(0, 60_000) }
            eventually { shouldThrow<IOException> { java.net.Socket("127.0.0.1", port).close() } }
            peer.send("Host: here\r\n\r\n")
            val answer = peer.answer()
            answer.status shouldBe 503
            answer.endsConnection shouldBe true
            stop.join(SOON.inWholeMilliseconds)
            stop.isAlive shouldBe false
        }
    }

    test("calls that were cancelled stay so for connections of a loop that has had none") {
        val server = hello()
        server.start()
        try {
            val calls = Calls(server.application, null)
            calls.newJob(kotlinx.coroutines.Dispatchers.Default).isCancelled shouldBe false
            calls.cancel("enough")
            calls.newJob(kotlinx.coroutines.Dispatchers.IO).isCancelled shouldBe true
        } finally {
            server.stop(0, 1000)
        }
    }

    test("a call that outlasts the grace period in the middle of its answer is cancelled, and the answer does not look whole") {
        val server = serverOf {
            routing {
                get("/") {
                    call.respondBytesWriter {
                        writeFully(ByteArray(10))
                        flush()
                        awaitCancellation()
                    }
                }
            }
        }
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            peer.answerHead()
            server.stop(50, 60_000)
            shouldThrow<IOException> { while (true) peer.exactly(1) }
        }
    }

    test("a call that heeds no cancellation is cut off after the timeout") {
        val begun = CountDownLatch(1)
        val release = CountDownLatch(1)
        val server = serverOf(configure = { callDispatcher = kotlinx.coroutines.Dispatchers.IO }) {
            routing {
                get("/") {
                    begun.countDown()
                    release.await()
                }
            }
        }
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            begun.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            server.stop(50, 200)
            peer.isEnded() shouldBe true
        }
        release.countDown()
    }

    test("what a call has launched outlives it, fails alone, and is cancelled with the application") {
        var launched: Job? = null
        val server = serverOf {
            routing {
                get("/") {
                    launched = call.launch { awaitCancellation() }
                    call.launch { error("alone") }
                    call.respondText("launched")
                }
            }
        }
        serving(server) {
            it.connect().use { peer ->
                repeat(2) {
                    peer.send(get("/"))
                    peer.answer().text shouldBe "launched"
                }
            }
            launched!!.isActive shouldBe true
        }
        eventually { launched!!.isCancelled shouldBe true }
    }

    test("the cancellation of the application's parent stops the engine") {
        shouldReturnToBaseline {
            val parent = Job()
            val server = serverOf(parent = parent) { routing { get("/") { call.respondText("Hello") } } }
            server.start()
            val port = server.port
            parent.cancel()
            runBlocking { withTimeout(SOON) { parent.join() } }
            eventually { shouldThrow<java.io.IOException> { java.net.Socket("127.0.0.1", port).close() } }
        }
    }

    test("stop on an event loop is refused, as it would wait for itself") {
        val refused = CompletableDeferred<Throwable?>()
        lateinit var server: Server
        server = serverOf {
            routing {
                get("/") {
                    refused.complete(runCatching { server.engine.stop(0, 0) }.exceptionOrNull())
                    call.respondText("still here")
                }
            }
        }
        serving(server) {
            it.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "still here"
            }
            (runBlocking { refused.await() } is IllegalStateException) shouldBe true
        }
    }

    test("start with wait returns when the engine has been stopped") {
        val server = hello()
        val main = thread { server.start(wait = true) }
        eventually { server.engine.group!!.loops().size shouldBeGreaterThan 0 }
        server.port shouldBeGreaterThan 0 // it listens
        main.isAlive shouldBe true
        server.stop(0, 1000)
        main.join(SOON.inWholeMilliseconds)
        main.isAlive shouldBe false
    }

    test("a unix socket is a connector as any other, and its file goes with the engine") {
        val folder = Files.createTempDirectory("netpark-ktor")
        val path = folder.resolve("http.sock")
        serving(serverOf(configure = { unixConnector("$path") }) { routing { get("/") { call.respondText("by a file") } } }) {
            SocketChannel.open(StandardProtocolFamily.UNIX).use { client ->
                client.connect(UnixDomainSocketAddress.of(path))
                client.write(ByteBuffer.wrap(get("/", "Connection: close").toByteArray()))
                val all = ByteBuffer.allocate(4096)
                while (client.read(all) >= 0) { /* to the end */ }
                String(all.array(), 0, all.position()) shouldContain "by a file"
            }
        }
        eventually { Files.exists(path) shouldBe false }
        Files.delete(folder)
    }

    test("a call after which nothing is left to do does not keep the server from stopping") {
        val server = serverOf { routing { get("/") { call.launch { delay(600.seconds) }; call.respondText("OK") } } }
        server.start()
        server.connect().use { peer ->
            peer.send(get("/"))
            peer.answer().text shouldBe "OK"
            val began = TimeSource.Monotonic.markNow()
            server.stop(60_000, 60_000)
            check(began.elapsedNow() < 30.seconds + 1.milliseconds) { "it waited ${began.elapsedNow()}" }
        }
    }
})
