package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.net.options.NetOption
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

/**
 * Shorter than it takes until a socket that was full has room again, and much longer than the reader pauses: a unix socket tells of
 * what was read in lumps, of half a second each.
 */
private val TIMEOUT = 1800.milliseconds
private const val LENGTH = 1_200_000

/** Reads a little at a time, for as long as several timeouts; returns how much. */
private fun BlockingConnection.readSlowly(time: Duration): Int {
    val target = ByteBuffer.allocateDirect(4096)
    val over = fromNow(time)
    var bytes = 0
    while (System.nanoTime() - over < 0) {
        bytes += read(target.clear())
        Thread.sleep(60)
    }
    return bytes
}

/** A slow peer is not given up, one that has stopped is. */
class UptakeSpec : NetparkSpec(body = {
    /** Over each transport, at the same time: nearly all of it is waiting. */
    fun pairs(name: String, body: (sender: BlockingConnection, receiver: BlockingConnection) -> Unit) =
        test(name) {
            TestReactor(loops = 2).use { reactor ->
                val bodies = listOf(Transport.IPV4, Transport.UNIX).map { transport ->
                    async {
                        transport.pair(reactor).use { sender, receiver ->
                            sender.connection.setOption(NetOption.SEND_BUFFER, 212_992) // for more than is read slowly
                            if (transport != Transport.UNIX) {
                                receiver.connection.setOption(NetOption.RECEIVE_BUFFER, 16_384) // so that it acknowledges often
                            }
                            withClue(transport) { body(sender, receiver) }
                        }
                    }
                }
                bodies.forEach { it.result() }
            }
        }

    pairs("a peer that reads slowly and steadily outlives a write timeout") { sender, receiver ->
        sender.connection.setTimeout(Direction.WRITE, TIMEOUT.inWholeNanoseconds)
        val source = ByteBuffer.allocate(LENGTH)
        val writer = async { sender.write(source) }
        val read = receiver.readSlowly(TIMEOUT * 2.5)
        writer.isDone shouldBe false
        receiver.readFully(LENGTH - read)
        writer.result()
    }

    pairs("what the peer takes out of the kernel's hands is no idleness") { sender, receiver ->
        val source = ByteBuffer.allocate(LENGTH)
        while (sender.connection.startWrite(source) == ConnectionDescriptor.PARK) { // fills the socket, and writes no more
            sender.connection.abandon(Direction.WRITE)
            break
        }
        sender.connection.setIdleTimeout(TIMEOUT.inWholeNanoseconds)
        receiver.readSlowly(TIMEOUT * 2)
        sender.connection.isClosed shouldBe false
        eventually { sender.connection.isClosed shouldBe true }
        (shouldThrow<NetparkException.TimedOut> { sender.write("x") }).timeout() shouldBe NetparkException.Timeout.IDLE
    }

    test("the kernel is not asked while nothing is about to pass, and a peer that never reads is given up in time") {
        val calls = CallCounter()
        TestReactor(calls.libc, loops = 2).use { reactor ->
            reactor.pair().use { sender, receiver ->
                receiver.keepReceiveBufferSmall()
                sender.connection.setOption(NetOption.SEND_BUFFER, 65_536)
                sender.connection.setTimeout(Direction.WRITE, 1.hours.inWholeNanoseconds)
                val asked = calls["getsockopt"]
                val writer = async { sender.write(ByteBuffer.allocate(3_000_000)) }
                receiver.readFully(3_000_000)
                writer.result()
                calls["getsockopt"] shouldBe asked
                val begun = System.nanoTime()
                sender.connection.setTimeout(Direction.WRITE, 50.milliseconds.inWholeNanoseconds)
                shouldThrow<NetparkException.TimedOut> { sender.write(ByteBuffer.allocate(3_000_000)) }
                System.nanoTime() - begun shouldBeGreaterThanOrEqual 50_000_000
                shouldThrow<NetparkException.TimedOut> { sender.write(ByteBuffer.allocate(3_000_000)) } // what is short may fit by now
            }
        }
    }
})
