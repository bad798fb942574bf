package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.ScarceTasks
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.queueTasksBy
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import javax.net.ssl.SSLEngineResult.HandshakeStatus

/**
 * An engine that runs out of memory, wherever it is called: its connection fails and says so, others go on, and nothing is kept.
 */
class NoMemorySpec : NetparkSpec(body = {

    fun record(text: String) = ScriptedEngine.record(text.toByteArray())

    fun outOfMemory(): Nothing = throw OutOfMemoryError("injected")

    /** Ours has this engine, the other is plain; another connection of the same loop carries on meanwhile and afterwards. */
    fun withEngine(engine: ScriptedEngine, body: (BlockingConnection, BlockingConnection) -> Unit) {
        TestReactor().use { reactor ->
            val neighbour = ScriptedEngine()
            reactor.tcpPair().use { near, far ->
                near.beginTls(neighbour.server()).awaitTls()
                val before = openDescriptors()
                shouldKeepNoMemory {
                    reactor.tcpPair().use { ours, plain ->
                        ours.beginTls(engine.server())
                        body(ours, plain)
                    }
                    eventually { engine.released.get() shouldBe 1 }
                    eventually { openDescriptors() shouldBe before }
                }
                near.write("alive")
                far.readText(10).substring(5) shouldBe "alive"
                far.write(record("alive"))
                near.readText(5) shouldBe "alive"
            }
        }
        engine.released.get() shouldBe 1
    }

    // In the handshake

    fun handshakeFails(engine: ScriptedEngine, say: (BlockingConnection) -> Unit = {}) = withEngine(engine) { ours, plain ->
        say(plain)
        val failure = shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
        failure.fault() shouldBe TlsFault.ENGINE
        failure.message shouldContain "OutOfMemoryError"
        eventually { ours.connection.isClosed shouldBe true }
        runCatching { plain.readText(1) }.exceptionOrNull() // the end, or a reset, and in any case something
            .let { check(it is java.io.EOFException || it is NetparkException) { "$it" } }
    }

    test("a wrap in the handshake") {
        handshakeFails(ScriptedEngine().apply { status = HandshakeStatus.NEED_WRAP; wrapping = { outOfMemory() } })
    }

    test("an unwrap in the handshake") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_UNWRAP; unwrapping = { _, _ -> outOfMemory() } }
        handshakeFails(engine) { it.write(ScriptedEngine.record(byteArrayOf(1), type = 22)) }
    }

    test("a task of the handshake") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_TASK }
        engine.tasks += Runnable { outOfMemory() }
        handshakeFails(engine)
    }

    test("an unwrap in the handshake, and then the wrap that would say why") {
        val engine = ScriptedEngine().apply {
            status = HandshakeStatus.NEED_UNWRAP
            unwrapping = { _, _ -> status = HandshakeStatus.NEED_WRAP; outOfMemory() }
            wrapping = { outOfMemory() }
        }
        handshakeFails(engine) { it.write(ScriptedEngine.record(byteArrayOf(1), type = 22)) }
    }

    test("a close in the midst of a handshake, by a thread that has no memory for a task: the engine is given back") {
        val engine = ScriptedEngine().apply { status = HandshakeStatus.NEED_UNWRAP }
        TestReactor().use { reactor ->
            reactor.tcpPair().use { ours, _ ->
                ours.beginTls(engine.server())
                reactor.onLoop {} // the handshake has begun, and has its time
                reactor.loop.queueTasksBy(::ScarceTasks).whileFull { ours.close() }
                eventually { engine.released.get() shouldBe 1 }
            }
        }
    }

    // With data

    test("a wrap of data: that write fails, and so does each after it, as a record is missing") {
        val engine = ScriptedEngine()
        withEngine(engine) { ours, plain ->
            ours.awaitTls().write("one")
            plain.readText(8).substring(5) shouldBe "one"
            engine.wrapping = { outOfMemory() }
            shouldThrow<OutOfMemoryError> { ours.write("two") }
            engine.wrapping = null
            repeat(2) { shouldThrow<NetparkException> { ours.write("three") }.message shouldContain "ENOMEM" }
            plain.write(record("still"))
            ours.readText(5) shouldBe "still" // what the peer says can be read
            ours.close()
            runCatching { plain.readText(1) }.isFailure shouldBe true // nothing came behind the gap, close_notify neither
        }
    }

    test("an unwrap of data: that read fails, and so does each after it, as bytes are missing") {
        val engine = ScriptedEngine()
        withEngine(engine) { ours, plain ->
            ours.awaitTls()
            engine.unwrapping = { _, _ -> outOfMemory() }
            val reading = async { runCatching { ours.readText(3) }.exceptionOrNull() }
            plain.write(record("one"))
            (reading.result() is OutOfMemoryError) shouldBe true
            engine.unwrapping = null
            plain.write(record("two"))
            repeat(2) { shouldThrow<NetparkException> { ours.readText(3) }.message shouldContain "no memory" }
        }
    }

    test("an answer that a record wants: the read fails, and nothing is written any more") {
        val engine = ScriptedEngine()
        withEngine(engine) { ours, plain ->
            ours.awaitTls()
            engine.unwrapping = { record, _ ->
                engine.unwrapping = null
                engine.status = HandshakeStatus.NEED_WRAP
                record.position(record.position() + 6)
                engine.result(consumed = 6)
            }
            engine.wrapping = { outOfMemory() }
            plain.write(ScriptedEngine.record(byteArrayOf(1)))
            shouldThrow<OutOfMemoryError> { ours.readText(1) }
            engine.wrapping = null
            engine.status = HandshakeStatus.NOT_HANDSHAKING
            shouldThrow<NetparkException> { ours.write("x") }.message shouldContain "ENOMEM"
            shouldThrow<NetparkException> { ours.readText(1) }.message shouldContain "no memory"
        }
    }

    test("close_notify: the connection is closed all the same") {
        val engine = ScriptedEngine()
        withEngine(engine) { ours, plain ->
            ours.awaitTls()
            engine.wrapping = { outOfMemory() }
            engine.unwrapping = { _, _ -> outOfMemory() }
            plain.write(record("unread"))
            eventually { check(ours.connection.tcpInfo().bytesReceived() >= 11) }
            runCatching { ours.close() }.exceptionOrNull().let { check(it == null || it is OutOfMemoryError) { "$it" } }
            runCatching { plain.readText(1) }.isFailure shouldBe true
        }
    }
})
