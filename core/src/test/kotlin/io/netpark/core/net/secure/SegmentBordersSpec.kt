package io.netpark.core.net.secure

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.shouldKeepNoMemory
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.random.Random

/** The smallest segment, and the largest. */
private const val SMALL = 1024
private const val LARGE = 64 * 1024

private const val HEADER = 5

/** What is in front of a record's tag, and the tag, of all suites that are in use here. */
private const val TAG = 16

/** The borders of the segments that keep a record lie in its header, in its body, and in its tag. */
class SegmentBordersSpec : NetparkSpec(body = {
    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in EngineFlavour.available()) {
        val tls = TlsEnds.server(flavour, protocol)

        /** A server of ours, and a client, between which nothing is under way. */
        fun withPair(libc: HeldLibC = HeldLibC(), body: OursAndPeer.(HeldLibC) -> Unit) = TestReactor(libc).use { reactor ->
            TestReactor().use { elsewhere ->
                reactor.oursAndPeer(Role.SERVER, protocol, elsewhere).handshake(tls).use {
                    it.peer.write("x")
                    it.ours.readText(1) shouldBe "x"
                    it.ours.write("y") // some engines send their tickets in front of the first data only
                    it.peer.readText(1) shouldBe "y"
                    it.body(libc)
                }
            }
        }

        /** Writes at once, and has the socket take so many bytes, and no more. How many are taken here. */
        fun OursAndPeer.writeHeld(libc: HeldLibC, taken: Long, source: ByteBuffer): Int {
            val first = AtomicBoolean(true)
            libc.sends = { length -> if (first.getAndSet(false)) minOf(taken, length) else 0 }
            connection.startWrite(source) shouldBe Descriptor.PARK
            connection.abandon(Direction.WRITE)
            return source.position()
        }

        /** The socket takes all from now on. What it is offered is noted. */
        fun HeldLibC.letGo(): ConcurrentLinkedQueue<Long> {
            val offered = ConcurrentLinkedQueue<Long>()
            sends = { length -> length.also { offered += it } }
            return offered
        }

        test("of a record that the socket has not taken: $flavour, $protocol") {
            val bytes = Random(1).nextBytes(90_000) // more than is made at once, so that a write goes on
            // Where the first record ends that does not fit into a large segment with those in front of it.
            val end = run {
                var found = 0
                withPair { libc ->
                    val offered = libc.letGo()
                    val writing = async { ours.write(bytes) }
                    peer.plain.readFully(LARGE + SMALL).let { records ->
                        while (found <= LARGE) found += HEADER + (records[found + 3].toInt() and 0xFF) * 256 + (records[found + 4].toInt() and 0xFF)
                    }
                    (offered.first() > LARGE + SMALL) shouldBe true
                    peer.plain.connection.reset()
                    runCatching { writing.result() }
                }
                found
            }
            shouldKeepNoMemory {
                withPair { libc ->
                    for (border in end - TAG - 2..end + HEADER + 2) withClue("the border is ${border - end} bytes behind the end of a record") {
                        val source = ByteBuffer.wrap(bytes)
                        writeHeld(libc, (border - LARGE).toLong(), source)
                        val offered = libc.letGo()
                        val writing = async { ours.write(source) }
                        peer.read(bytes.size).contentEquals(bytes) shouldBe true
                        writing.result()
                        offered.first() shouldBe LARGE.toLong()
                    }
                }
            }
        }

        test("of close_notify behind a record that the socket has not taken: $flavour, $protocol") {
            var overhead = 0
            withPair { libc ->
                val offered = libc.letGo()
                ours.write("y")
                overhead = offered.first().toInt() - 1
            }
            val length = overhead + 2
            shouldKeepNoMemory {
                for (inFirst in 1 until length) withPair { libc ->
                    withClue("$inFirst of $length bytes are in front of the border") {
                        val data = Random(inFirst).nextBytes(SMALL - inFirst - overhead)
                        writeHeld(libc, 0, ByteBuffer.wrap(data)) shouldBe data.size
                        connection.shutdownOutput()
                        val offered = libc.letGo()
                        peer.write("y") // an event, which lets the loop look
                        peer.read(data.size).contentEquals(data) shouldBe true
                        peer.readsEnd() shouldBe true
                        offered.toList() shouldBe listOf(SMALL, length - inFirst).map { it.toLong() }
                    }
                }
            }
        }

        test("of what is read into a chain that has some room left: $flavour, $protocol") {
            shouldKeepNoMemory {
                withPair {
                    val rooms = (1..100).map { Triple(SMALL, it, 40) } +
                        (listOf(1, HEADER, 100) + (16_380..16_420 step 2)).map { Triple(LARGE, it, 16_384) }
                    for ((segment, room, size) in rooms) withClue("$size bytes, room for $room in a segment of $segment") {
                        val before = Random(room).nextBytes(segment - room)
                        val sent = Random(size + room).nextBytes(size)
                        LinkBuffer(SegmentPool.shared()).use { chain ->
                            chain.put(before)
                            val writing = async { peer.write(sent) }
                            while (chain.available() < segment - room + size) {
                                connection.perform(Direction.READ, { connection.startRead(chain) }, { connection.retryRead(chain) })
                            }
                            writing.result()
                            val got = ByteBuffer.allocate(segment - room + size)
                            chain.take(got)
                            got.array().contentEquals(before + sent) shouldBe true
                        }
                    }
                }
            }
        }
    }
})
