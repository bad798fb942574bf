package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Chain
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RunningRelay
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import io.netpark.core.tls.ServerTls
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import javax.net.ssl.SSLEngineResult
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status
import javax.net.ssl.SSLException
import kotlin.time.Duration.Companion.seconds

/** What engines may say, and have said to others once in a blue moon: nothing of it may spin, wait for ever, or be lost. */
class EngineStatusSpec : NetparkSpec(body = {

    /** Our side has this engine; the other side is plain. */
    fun withEngine(
        engine: ScriptedEngine = ScriptedEngine(),
        configure: ServerTls.Builder.() -> Unit = {},
        body: (TestReactor, BlockingConnection, BlockingConnection) -> Unit,
    ) {
        TestReactor().use { reactor ->
            reactor.tcpPair().use { ours, plain ->
                ours.beginTls(engine.server(configure))
                body(reactor, ours, plain)
            }
            eventually { engine.released.get() shouldBe 1 }
        }
        engine.released.get() shouldBe 1
    }

    test("an engine that makes records without encrypting them passes data on, both ways") {
        val engine = ScriptedEngine()
        withEngine(engine) { _, ours, plain ->
            ours.awaitTls().write("hello")
            plain.readText(10).substring(5) shouldBe "hello"
            plain.write(ScriptedEngine.record("world".toByteArray()))
            ours.readText(5) shouldBe "world"
        }
    }

    // Tasks

    test("while a task runs elsewhere nobody asks the engine again and again") {
        val go = CountDownLatch(1)
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable {
            go.await()
            engine.status = HandshakeStatus.NOT_HANDSHAKING
        }
        withEngine(engine) { reactor, ours, plain ->
            eventually { engine.tasks.size shouldBe 0 }
            reactor.onLoop {} // it has handed the task over
            val looks = engine.looks.get()
            repeat(20) {
                plain.write("x") // each is an event of the poller
                reactor.onLoop {}
            }
            engine.looks.get() shouldBe looks
            go.countDown()
            ours.awaitTls()
        }
    }

    test("after a task the handshake goes on by the loop's queue, and nothing but tasks is on their thread") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        val threads = mutableSetOf<String>()
        repeat(3) { i ->
            engine.tasks += Runnable {
                threads += Thread.currentThread().name
                if (i == 2) engine.status = HandshakeStatus.NOT_HANDSHAKING
            }
        }
        withEngine(engine, { taskExecutor { task -> Thread(task, "tasks").start() } }) { reactor, ours, _ ->
            ours.awaitTls()
            threads shouldBe setOf("tasks")
            reactor.onLoop { engine.threads shouldBe setOf(Thread.currentThread().name) }
        }
    }

    test("a task that is there although none was announced, and one that was announced and is not there") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        withEngine(engine) { _, ours, _ ->
            shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }.message shouldContain "task"
            engine.looks.get() shouldBeLessThan 50
        }
    }

    for (thrown in listOf(AssertionError("of a trust manager"), IllegalStateException("of a trust manager"), OutOfMemoryError("injected"))) {
        test("a task that throws ends the handshake at once: ${thrown.javaClass.simpleName}") {
            val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
            engine.tasks += Runnable {
                engine.status = HandshakeStatus.NEED_UNWRAP // as if it waited for the peer
                throw thrown
            }
            withEngine(engine) { _, ours, _ ->
                val failure = shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
                failure.fault() shouldBe TlsFault.ENGINE
                failure.message shouldContain thrown.message!!
            }
        }

        test("an executor that throws does not stop the handshake: ${thrown.javaClass.simpleName}") {
            val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
            engine.tasks += Runnable { engine.status = HandshakeStatus.NOT_HANDSHAKING }
            withEngine(engine, { taskExecutor { throw thrown } }) { reactor, ours, _ ->
                ours.awaitTls()
                val report = reactor.reporter.drain().single()
                report.cause shouldBe thrown
                report.what shouldContain "the thread that has asked for it does"
            }
        }
    }

    test("an executor that refuses many tasks does not flood the log") {
        val clock = HandMovedClock()
        TestReactor(loops = 1) { clock(clock).reportLimit(5) }.use { reactor ->
            repeat(20) {
                val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
                engine.tasks += Runnable { engine.status = HandshakeStatus.NOT_HANDSHAKING }
                reactor.tcpPair().use { ours, _ ->
                    ours.beginTls(engine.server { taskExecutor { throw RejectedExecutionException("full") } }).awaitTls()
                }
            }
            reactor.reporter.drain().size shouldBe 5
            clock.move(10.seconds, reactor.group)
            eventually { reactor.reporter.reports.size shouldBe 1 }
            reactor.reporter.drain().single().what shouldContain "And 15 more of this kind in the last 10 s"
        }
    }

    test("an executor that has refused a task and runs it all the same runs it once") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable { engine.status = HandshakeStatus.NOT_HANDSHAKING }
        val executor = Executor { task ->
            task.run()
            throw RejectedExecutionException("but it has run")
        }
        withEngine(engine, { taskExecutor(executor) }) { reactor, ours, _ ->
            ours.awaitTls()
            reactor.reporter.drain().size shouldBe 1
        }
    }

    test("a connection that is closed while a task runs gives its engine back when that has ended, and not before") {
        val go = CountDownLatch(1)
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable { go.await() }
        withEngine(engine) { reactor, ours, _ ->
            eventually { engine.tasks.size shouldBe 0 }
            reactor.onLoop {} // it has handed the task over
            val looks = engine.looks.get()
            ours.close()
            reactor.onLoop {}
            engine.released.get() shouldBe 0
            engine.looks.get() shouldBe looks
            go.countDown()
        }
    }

    test("a task that has not begun when its connection is closed never does, and the engine is back at once") {
        val held = java.util.concurrent.ConcurrentLinkedQueue<Runnable>()
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable { error("nobody waits for this") }
        withEngine(engine, { taskExecutor { held += it } }) { reactor, ours, _ ->
            eventually { held.size shouldBe 1 }
            ours.close()
            eventually { engine.released.get() shouldBe 1 } // an executor may have dropped it
            held.remove().run()
            reactor.onLoop {}
            engine.tasks.size shouldBe 1
            held.size shouldBe 0
        }
    }

    // Beginnings

    test("a connection that is closed while TLS begins gives its engine back, and has no time limit that strikes later") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_UNWRAP }
        TestReactor { metrics(true) }.use { reactor ->
            reactor.tcpPair().use { ours, _ ->
                val tls = ServerTls.builder().handshakeTimeout(Duration.ofMillis(1)).engines(
                    io.netpark.core.tls.EngineSource.releasing({ _, _ -> engine.also { ours.close() } }) { engine.released.incrementAndGet() },
                ).build()
                runCatching { ours.connection.startTls(tls, null, -1, null) }
                eventually { engine.released.get() shouldBe 1 }
                Thread.sleep(20)
                reactor.group.snapshot().total().handshakes().timedOut() shouldBe 0
            }
        }
    }

    test("of two that begin TLS on one connection at the same time one does") {
        TestReactor().use { reactor ->
            repeat(100) {
                reactor.tcpPair().use { ours, _ ->
                    val barrier = CyclicBarrier(2)
                    val begun = List(2) {
                        async {
                            barrier.await()
                            runCatching { ours.beginTls(ScriptedEngine().server()) }
                        }
                    }.map { it.result() }
                    begun.count { it.isSuccess } shouldBe 1
                    (begun.single { it.isFailure }.exceptionOrNull() is IllegalStateException) shouldBe true
                }
            }
        }
    }

    test("an engine that does not take what is set is given back, and the message says what it does not take") {
        class Stubborn : ScriptedEngine() {
            override fun setEnabledProtocols(protocols: Array<out String>) = require(protocols.size > 1) { "both versions or none" }
        }
        val settings = listOf<Pair<(ServerTls.Builder) -> ServerTls.Builder, String>>(
            { b: ServerTls.Builder -> b.protocols("TLSv1.2") } to "both versions or none",
            { b: ServerTls.Builder -> b.applicationProtocolSelector { _, _ -> "" } } to "takes no applicationProtocolSelector",
        )
        TestReactor().use { reactor ->
            for ((configure, says) in settings) {
                val engine = Stubborn()
                reactor.tcpPair().use { ours, _ ->
                    shouldThrow<RuntimeException> { ours.beginTls(engine.server { configure(this) }) }.message shouldContain says
                    engine.released.get() shouldBe 1
                    ours.connection.isClosed shouldBe false
                }
            }
            val engine = Stubborn()
            reactor.tcpPair().use { ours, _ ->
                shouldThrow<RuntimeException> { ours.beginTls(engine.client { protocols("TLSv1.2") }) }
                engine.released.get() shouldBe 1
            }
        }
    }

    test("a time limit may be as long as a duration can be") {
        val engine = ScriptedEngine()
        withEngine(engine, { handshakeTimeout(Duration.ofSeconds(Long.MAX_VALUE)) }) { _, ours, _ -> ours.awaitTls() }
    }

    // What wrap and unwrap say

    test("FINISHED, said of a record without data when the handshake is over already, is no news") {
        val engine = ScriptedEngine()
        withEngine(engine) { _, ours, plain ->
            ours.awaitTls()
            engine.unwrapping = { record, _ ->
                engine.unwrapping = null
                record.position(record.position() + 6)
                SSLEngineResult(Status.OK, HandshakeStatus.FINISHED, 6, 0)
            }
            plain.write(ScriptedEngine.record(byteArrayOf(1)) + ScriptedEngine.record("data".toByteArray()))
            ours.readText(4) shouldBe "data"
        }
    }

    test("an engine that wants to send and makes nothing ends the handshake, and does not spin") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_WRAP }
        withEngine(engine) { _, ours, _ ->
            shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }.fault() shouldBe TlsFault.ENGINE
            engine.looks.get() shouldBeLessThan 100
        }
    }

    for (status in listOf(Status.BUFFER_OVERFLOW, Status.BUFFER_UNDERFLOW)) {
        test("$status where there is room, or a whole record, is a failure, once and for all") {
            val engine = ScriptedEngine()
            withEngine(engine) { _, ours, plain ->
                ours.awaitTls()
                engine.unwrapping = { _, _ -> engine.result(status) }
                plain.write(ScriptedEngine.record(byteArrayOf(1)))
                repeat(2) { shouldThrow<NetparkException.TlsFailure> { ours.readText(1) } }
            }
        }

        test("$status in the handshake ends it, and does not spin") {
            val engine = ScriptedEngine().apply { this.status = HandshakeStatus.NEED_UNWRAP }
            engine.unwrapping = { _, _ -> engine.result(status) }
            withEngine(engine) { _, ours, plain ->
                plain.write(ScriptedEngine.record(byteArrayOf(1), type = 22))
                shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
                engine.looks.get() shouldBeLessThan 100
            }
        }

        test("$status of a wrap is a failure of the write, and does not spin") {
            val engine = ScriptedEngine()
            withEngine(engine) { _, ours, _ ->
                ours.awaitTls()
                engine.wrapping = { engine.result(status) }
                shouldThrow<NetparkException.TlsFailure> { ours.write("x") }
            }
        }
    }

    test("an exception of a wrap fails the write, and whoever reads is told as well") {
        val engine = ScriptedEngine()
        withEngine(engine) { _, ours, _ ->
            ours.awaitTls()
            val reading = async { ours.readText(1) }
            eventually { ours.connection.parked() shouldBe 1 }
            engine.wrapping = { throw SSLException("spoilt") }
            shouldThrow<NetparkException.TlsFailure> { ours.write("x") }.message shouldContain "spoilt"
            shouldThrow<NetparkException.TlsFailure> { reading.result() }
        }
    }

    test("a record that wants an answer gets it, though nobody writes") {
        val engine = ScriptedEngine()
        withEngine(engine) { _, ours, plain ->
            ours.awaitTls()
            engine.unwrapping = { record, _ ->
                engine.unwrapping = null
                engine.status = HandshakeStatus.NEED_WRAP
                record.position(record.position() + 6)
                engine.result(consumed = 6)
            }
            engine.wrapping = { record ->
                engine.wrapping = null
                engine.status = HandshakeStatus.NOT_HANDSHAKING
                record.put(ScriptedEngine.record("answer".toByteArray()))
                SSLEngineResult(Status.OK, HandshakeStatus.NOT_HANDSHAKING, 0, 11)
            }
            plain.write(ScriptedEngine.record(byteArrayOf(1)))
            val target = java.nio.ByteBuffer.allocate(1)
            val reading = async { ours.read(target) }
            plain.readText(11).substring(5) shouldBe "answer"
            plain.write(ScriptedEngine.record("x".toByteArray()))
            reading.result() shouldBe 1
        }
    }

    test("a task after the handshake holds up reads and writes, and nothing else") {
        val go = CountDownLatch(1)
        val engine = ScriptedEngine()
        withEngine(engine) { _, ours, plain ->
            ours.awaitTls()
            engine.unwrapping = { record, _ ->
                engine.unwrapping = null
                engine.status = HandshakeStatus.NEED_TASK
                engine.tasks += Runnable {
                    go.await()
                    engine.status = HandshakeStatus.NOT_HANDSHAKING
                }
                record.position(record.position() + 6)
                engine.result(consumed = 6)
            }
            plain.write(ScriptedEngine.record(byteArrayOf(1)) + ScriptedEngine.record("data".toByteArray()))
            val reading = async { ours.readText(4) }
            eventually { engine.tasks.size shouldBe 0 }
            eventually { ours.connection.parked() shouldBe 1 }
            val source = java.nio.ByteBuffer.wrap("x".toByteArray())
            ours.connection.startWrite(source) shouldBe Descriptor.PARK
            ours.connection.abandon(Direction.WRITE)
            go.countDown()
            reading.result() shouldBe "data"
            ours.write(source)
            plain.readText(6).substring(5) shouldBe "x"
        }
    }

    test("who reads before the handshake is over is told what comes during it, though a plain read had found the socket empty") {
        val go = CountDownLatch(1)
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable {
            go.await()
            engine.status = HandshakeStatus.NOT_HANDSHAKING
        }
        TestReactor().use { reactor ->
            reactor.tcpPair().use { ours, plain ->
                plain.write("STARTTLS")
                var first = ""
                while (first.length < 8) first += ours.readSome()
                ours.beginTls(engine.server())
                val reading = async { ours.readText(4) }
                eventually { ours.connection.parked() shouldBe 1 }
                plain.write(ScriptedEngine.record("data".toByteArray()))
                eventually { ours.connection.peekInput() shouldBe 1 }
                repeat(2) { reactor.onLoop {} } // the reader has been woken, and has parked again
                eventually { ours.connection.parked() shouldBe 1 }
                go.countDown()
                reading.result() shouldBe "data"
            }
            eventually { engine.released.get() shouldBe 1 }
        }
    }

    // The end of the output

    test("an engine that throws when its output is to end, behind the handshake, fails those who wait for that") {
        val go = CountDownLatch(1)
        val engine = ScriptedEngine().apply {
            status = HandshakeStatus.NEED_TASK
            closing = { error("of an engine") }
        }
        engine.tasks += Runnable {
            go.await()
            engine.status = HandshakeStatus.NOT_HANDSHAKING
        }
        withEngine(engine) { _, ours, _ ->
            val reading = async { ours.readText(1) }
            eventually { ours.connection.parked() shouldBe 1 }
            ours.connection.shutdownOutput()
            go.countDown()
            shouldThrow<NetparkException.TlsFailure> { reading.result() }.message shouldContain "of an engine"
        }
    }

    test("an engine that throws when its output is to end ends a relay, and not just one direction of it") {
        val engine = ScriptedEngine().apply { closing = { error("of an engine") } }
        TestReactor(loops = 2).use { reactor ->
            Chain(reactor).use { chain ->
                chain.target.startTls(engine.server(), null, -1, null)
                val relay = RunningRelay(chain.source, chain.target)
                chain.left.write("x")
                chain.right.readText(6).substring(5) shouldBe "x"
                chain.left.connection.shutdownOutput()
                relay.failure().shouldBeInstanceOf<NetparkException.TlsFailure>()
                relay.relay.failed() shouldBe chain.target
            }
            eventually { engine.released.get() shouldBe 1 }
        }
    }
})
