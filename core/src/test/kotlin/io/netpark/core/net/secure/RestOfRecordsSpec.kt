package io.netpark.core.net.secure

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.TlsPeer
import io.netpark.core.testing.tls.peerEngine
import io.netpark.core.testing.tls.shouldKeepNoMemory
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Records that the socket has no room for when a connection is closed. */
class RestOfRecordsSpec : NetparkSpec(body = {
    val tiny = NetOptions.DEFAULT.withSendBuffer(4096).withReceiveBuffer(4096)

    /**
     * Written to until the socket is full; the write is given up. The kernel makes room as it gets to it: full is what stays full. How many
     * bytes are gone, some of them in records that are here still.
     */
    fun OursAndPeer.fill(): Int {
        var gone = 0
        var looks = 0
        while (looks < 10) {
            val unsent = connection.unsent()
            val source = ByteBuffer.allocate(1_000_000)
            connection.startWrite(source) shouldBe Descriptor.PARK
            connection.abandon(Direction.WRITE)
            gone += source.position()
            looks = if (source.position() == 0 && connection.unsent() == unsent) looks + 1 else 0
            Thread.sleep(20)
        }
        connection.unsent().toInt() shouldBeGreaterThan 0
        return gone
    }

    fun TestReactor.filled(protocol: String = "TLSv1.3", body: OursAndPeer.(written: Int) -> Unit) {
        val (peer, ours) = pair(options = tiny)
        OursAndPeer(ours, TlsPeer(peer, peerEngine(Role.SERVER, protocol))).use {
            it.handshake(TlsEnds.server(EngineFlavour.JDK, protocol))
            it.body(it.fill())
        }
    }

    fun TestReactor.descriptors() = group.loops().sumOf { it.descriptors() }

    for (flavour in Flavour.all) for (protocol in listOf("TLSv1.2", "TLSv1.3")) {
        test("$flavour $protocol: they are sent after the close, and close_notify is the last of them") {
            shouldKeepNoMemory {
                TestReactor(flavour).use { reactor ->
                    for (lingers in listOf(false, true)) reactor.filled(protocol) { written ->
                        if (lingers) connection.closeLingering(1000, 20.seconds.inWholeNanoseconds) else connection.close()
                        connection.isClosed shouldBe true
                        shouldThrow<NetparkException.Closed> { connection.startWrite(ByteBuffer.allocate(1)) }
                        reactor.descriptors() shouldBe 2
                        peer.read(written).size shouldBe written
                        peer.isEndedInOrder() shouldBe true
                        peer.plain.readIsAtEnd() shouldBe true
                        if (lingers) {
                            reactor.descriptors() shouldBe 2 // until the peer ends its stream, too
                            peer.plain.connection.shutdownOutput()
                        }
                        eventually { reactor.descriptors() shouldBe 1 }
                    }
                }
            }
        }
    }

    test("a peer that makes no room has ten seconds, and has not got the end then") {
        val clock = HandMovedClock()
        shouldKeepNoMemory {
            TestReactor(configure = { clock(clock) }).use { reactor ->
                reactor.filled {
                    connection.close()
                    reactor.onLoop { } // its time has begun
                    clock.move(9_900.milliseconds, reactor.group)
                    reactor.onLoop { }
                    reactor.descriptors() shouldBe 2
                    clock.move(200.milliseconds, reactor.group)
                    eventually { reactor.descriptors() shouldBe 1 }
                    peer.isEndedInOrder() shouldBe false
                }
            }
        }
    }

    test("a peer that resets the connection, and the end of the group, end that as well; a reset here leaves nothing to be sent") {
        shouldKeepNoMemory {
            TestReactor().use { reactor ->
                reactor.filled {
                    connection.close()
                    peer.plain.connection.reset()
                    eventually { reactor.descriptors() shouldBe 0 }
                }
                reactor.filled {
                    connection.reset()
                    eventually { reactor.descriptors() shouldBe 1 }
                    shouldThrow<NetparkException.Reset> { peer.isEndedInOrder() }
                }
                reactor.filled {
                    connection.resetOnClose()
                    connection.close()
                    eventually { reactor.descriptors() shouldBe 1 }
                    shouldThrow<NetparkException.Reset> { peer.isEndedInOrder() }
                }
                reactor.filled { connection.close() }
            }
        }
    }
})
