package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLException

/** A C library whose sockets have no room. */
private class NoRoom(private val real: LibC = Bindings.best) : LibC by real {
    @Volatile
    var full = false

    override fun send(fd: Int, address: Long, length: Long, flags: Int): Long =
        if (full) -Errno.EAGAIN.toLong() else real.send(fd, address, length, flags)
}

/** What a connection that has failed says last: the alert, which tells the peer why. */
class LastWordsSpec : NetparkSpec(body = {
    val alert = byteArrayOf(21, 3, 3, 0, 2, 2, 80)
    val words = String(alert)

    /** Has something to say, as an engine has when it has failed. */
    fun ScriptedEngine.leaveAlert(meanwhile: () -> Unit = {}) {
        status = HandshakeStatus.NEED_WRAP
        wrapping = { record ->
            wrapping = null
            meanwhile()
            status = HandshakeStatus.NOT_HANDSHAKING
            record.put(alert)
            result(produced = alert.size)
        }
    }

    /** An engine of which the next record of the peer is too much. */
    fun refusing(failure: () -> Throwable = { SSLException("spoilt") }, meanwhile: () -> Unit = {}) = ScriptedEngine().apply {
        status = HandshakeStatus.NEED_UNWRAP
        unwrapping = { record, _ ->
            if (record.hasRemaining()) { // it is also asked before anything has come
                leaveAlert(meanwhile)
                throw failure()
            }
            null
        }
    }

    fun withEngine(engine: ScriptedEngine, libc: LibC = Bindings.best, body: (BlockingConnection, BlockingConnection) -> Unit) {
        TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere -> reactor.tcpPair(elsewhere).use { ours, plain -> body(ours.beginTls(engine.server()), plain) } }
        }
        engine.released.get() shouldBe 1
    }

    /** A record, and more than was asked for: when a socket is closed with anything unread the peer gets a reset. */
    fun BlockingConnection.sayTooMuch() = write(ScriptedEngine.record(byteArrayOf(1), type = 22) + ByteArray(30_000))

    test("a wrap of data that fails") {
        val engine = ScriptedEngine()
        withEngine(engine) { ours, plain ->
            ours.awaitTls()
            engine.wrapping = {
                engine.leaveAlert()
                throw SSLException("spoilt")
            }
            shouldThrow<NetparkException.TlsFailure> { ours.write("x") }
            plain.readText(alert.size) shouldBe words
        }
    }

    test("a wrap in the handshake that fails") {
        val engine = ScriptedEngine()
        engine.status = HandshakeStatus.NEED_WRAP
        engine.wrapping = {
            engine.leaveAlert()
            throw SSLException("spoilt")
        }
        withEngine(engine) { ours, plain ->
            shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
            plain.readAll() shouldBe words
        }
    }

    for (failure in listOf(SSLException("spoilt"), IllegalStateException("of a trust manager"))) {
        test("a record of the handshake that is refused, by a ${failure.javaClass.simpleName}, while the peer goes on sending") {
            withEngine(refusing({ failure })) { ours, plain ->
                plain.sayTooMuch()
                shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
                plain.readAll() shouldBe words // and no reset
            }
        }
    }

    test("a connection that is closed in the very step in which its handshake fails") {
        lateinit var closed: BlockingConnection
        withEngine(refusing { closed.close() }) { ours, plain ->
            closed = ours
            plain.sayTooMuch()
            plain.readAll() shouldBe words
        }
    }

    test("one that is reset in that step says no more than that") {
        lateinit var closed: BlockingConnection
        withEngine(refusing { closed.connection.reset() }) { ours, plain ->
            closed = ours
            plain.sayTooMuch()
            shouldThrow<NetparkException.Reset> { plain.readAll() }
        }
    }

    test("a socket that has no room gets the alert when it has") {
        val libc = NoRoom()
        withEngine(refusing { libc.full = true }, libc) { ours, plain ->
            plain.sayTooMuch()
            shouldThrow<NetparkException.TlsFailure> { ours.awaitTls() }
            eventually { ours.connection.isClosed shouldBe true }
            val reading = async { plain.readAll() }
            libc.full = false
            reading.result() shouldBe words
        }
    }
})
