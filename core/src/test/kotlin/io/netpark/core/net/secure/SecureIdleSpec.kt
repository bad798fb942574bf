package io.netpark.core.net.secure

import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.tls.tls
import io.netpark.core.testing.use
import io.netpark.core.tls.ServerTls
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Counts what sockets give. */
private class Received(private val real: LibC = Bindings.best) : LibC by real {
    val bytes = AtomicLong()

    override fun recv(fd: Int, address: Long, length: Long, flags: Int): Long =
        real.recv(fd, address, length, flags).also { if (it > 0) bytes.addAndGet(it) }
}

/** What counts against an idle timeout where there is TLS: bytes of the socket, and not only those of the data. */
class SecureIdleSpec : NetparkSpec(body = {
    /** The peer says something five times, for longer than the timeout in all, and then nothing. */
    fun outlastsItsTimeout(tls: ServerTls, wait: (BlockingConnection) -> Unit, say: (Int) -> ByteArray) {
        val clock = HandMovedClock()
        val libc = Received()
        TestReactor(libc) { clock(clock) }.use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.tcpPair(elsewhere).use { ours, plain ->
                    ours.beginTls(tls)
                    ours.connection.setIdleTimeout(1.seconds.inWholeNanoseconds)
                    val waiting = async { wait(ours) }
                    repeat(5) {
                        val bytes = say(it)
                        val before = libc.bytes.get()
                        plain.write(bytes)
                        eventually { libc.bytes.get() shouldBe before + bytes.size }
                        awaitParkedThreads() // who has received them has moved the time on
                        reactor.onLoop {}
                        clock.pass(600.milliseconds, reactor)
                        ours.connection.isClosed shouldBe false
                    }
                    clock.pass(2.seconds, reactor)
                    (waiting.failure() as NetparkException.TimedOut).timeout() shouldBe NetparkException.Timeout.IDLE
                    ours.connection.isClosed shouldBe true
                }
            }
        }
    }

    test("bytes of the handshake") {
        outlastsItsTimeout(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"), { it.awaitTls() }) { byteArrayOf(if (it == 0) 22 else 3) }
    }

    test("records without data, behind the handshake") {
        outlastsItsTimeout(ScriptedEngine().server(), { it.readText(1) }) { ScriptedEngine.record(ByteArray(0)) }
    }

    // What a connection holds on to while nothing is said

    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in EngineFlavour.available()) for (role in Role.entries) {
        test("a connection that waits for data holds no memory: $flavour as $role, $protocol") {
            fun lent() = SegmentPool.shared().statistics().lentBytes()
            TestReactor().use { reactor ->
                TestReactor().use { elsewhere ->
                    val before = lent()
                    reactor.oursAndPeer(role, protocol, elsewhere).handshake(role.tls(flavour, protocol)).use { pair ->
                        repeat(2) {
                            pair.peer.write("question")
                            pair.ours.readText(8) shouldBe "question"
                            pair.ours.write("answer")
                            pair.peer.readText(6) shouldBe "answer"
                        }
                        val reading = async { pair.ours.readFully(10_000) }
                        awaitParkedThreads()
                        val waiting = eventually { lent().also { it shouldBeLessThanOrEqual before } }
                        val record = pair.peer.seal(ByteArray(10_000))
                        pair.peer.plain.write(record.copyOf(6000))
                        eventually { lent() shouldBeGreaterThan waiting } // what has come of it has to be kept
                        pair.peer.plain.write(record.copyOfRange(6000, record.size))
                        reading.result()
                        eventually { lent() shouldBeLessThanOrEqual before }
                    }
                }
            }
        }
    }
})
