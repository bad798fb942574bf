package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.fd.Direction
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.TcpInfo
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch

/** Writes until that fails. */
private fun BlockingConnection.writeUntilItFails(length: Int = 16): NetparkException {
    val bytes = ByteArray(length)
    while (true) {
        try {
            write(bytes)
        } catch (e: NetparkException) {
            return e
        }
    }
}

/** Reads until the end; throws as reads do. */
private fun BlockingConnection.readToEnd() {
    val target = ByteBuffer.allocateDirect(64 * 1024)
    while (read(target.clear()) != ConnectionDescriptor.END_OF_STREAM) continue
}

/** An end that is read is the peer's; a connection that broke has none. */
class StreamEndSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        fun pair(transport: Transport, body: (peer: BlockingConnection, here: BlockingConnection) -> Unit) =
            TestReactor(flavour, loops = 2).use { transport.pair(it).use(body) }

        for (transport in listOf(Transport.IPV4, Transport.IPV6)) {
            test("$flavour $transport: a reset that a write is told of is one for every later read and write") {
                pair(transport) { peer, here ->
                    peer.connection.reset()
                    here.writeUntilItFails().shouldBeInstanceOf<NetparkException.Reset>()
                    repeat(3) {
                        shouldThrow<NetparkException.Reset> { here.readSome() }
                        shouldThrow<NetparkException.Reset> { here.read(arrayOf(ByteBuffer.allocate(1))) }
                        shouldThrow<NetparkException.Reset> { here.connection.startWatch() }
                        shouldThrow<NetparkException.Reset> { here.connection.peekInput() }
                        shouldThrow<NetparkException.Reset> { here.write("x") }
                    }
                    here.connection.isReset() shouldBe true
                }
            }

            test("$flavour $transport: a reset that somebody asks for as an option is one for every later read") {
                pair(transport) { peer, here ->
                    peer.connection.reset()
                    eventually { here.connection.tcpInfo().state() shouldBe TcpInfo.State.CLOSED }
                    here.connection.getOption(NetOption.ofInt("SO_ERROR", 1, 4)) shouldBe 104
                    repeat(2) { shouldThrow<NetparkException.Reset> { here.readSome() } }
                }
            }

            test("$flavour $transport: what has arrived before a reset can be read, and no end after it") {
                pair(transport) { peer, here ->
                    peer.write("whole?")
                    eventually { here.connection.peekInput() shouldBe 1 }
                    peer.connection.reset()
                    here.writeUntilItFails()
                    here.readText(6) shouldBe "whole?"
                    repeat(3) { shouldThrow<NetparkException.Reset> { here.readSome() } }
                }
            }

            test("$flavour $transport: a stream that was whole before the connection broke stays whole") {
                pair(transport) { peer, here ->
                    peer.write("whole")
                    here.write("never read")
                    peer.connection.shutdownOutput()
                    eventually { here.connection.tcpInfo().state() shouldBe TcpInfo.State.CLOSE_WAIT }
                    peer.connection.reset()
                    here.writeUntilItFails().shouldBeInstanceOf<NetparkException.Reset>()
                    here.readText(5) shouldBe "whole"
                    repeat(2) { here.readIsAtEnd() shouldBe true }
                    here.connection.peekInput() shouldBe ConnectionDescriptor.END_OF_STREAM
                    here.connection.isReset() shouldBe true
                }
            }

            test("$flavour $transport: both ends in order are no reset, whoever ends first") {
                pair(transport) { peer, here ->
                    here.connection.shutdownOutput()
                    peer.readIsAtEnd() shouldBe true
                    peer.connection.shutdownOutput()
                    repeat(2) { here.readIsAtEnd() shouldBe true }
                    shouldThrow<NetparkException.Reset> { here.write("after the end") }
                    here.readIsAtEnd() shouldBe true
                    here.connection.isReset() shouldBe false
                    peer.readIsAtEnd() shouldBe true
                    peer.connection.isReset() shouldBe false
                }
            }

            test("$flavour $transport: an output that was ended before the descriptor was adopted") {
                TestReactor(flavour).use { reactor ->
                    transport.pair(reactor).use { peer, before ->
                        before.connection.shutdownOutput()
                        peer.readIsAtEnd() shouldBe true
                        val here = BlockingConnection(ConnectionDescriptor.adopt(reactor.loop, before.connection.detach()))
                        here.use {
                            val reader = async { here.readIsAtEnd() }
                            awaitParkedThreads()
                            peer.connection.shutdownOutput()
                            reader.result() shouldBe true
                            repeat(2) { here.readIsAtEnd() shouldBe true }
                        }
                    }
                }
            }
        }

        test("$flavour: ending the input here is an end, also of a connection that has none") {
            pair(Transport.IPV4) { _, here ->
                here.connection.shutdownInput()
                repeat(2) { here.readIsAtEnd() shouldBe true }
            }
        }

        test("$flavour: a unix peer that leaves bytes unread resets, and each read says so") {
            pair(Transport.UNIX) { peer, here ->
                here.write("never read")
                peer.write("whole?")
                peer.close()
                here.readText(6) shouldBe "whole?"
                repeat(3) { shouldThrow<NetparkException.Reset> { here.readSome() } }
                here.connection.isReset() shouldBe true
            }
        }

        test("$flavour: a reader beside a busy writer never takes a broken stream for whole") {
            TestReactor(flavour, loops = 2).use { reactor ->
                val rounds = if (flavour.poller.toString() == "epoll") 100 else 30
                repeat(rounds) { round ->
                    val transport = if (round % 4 == 3) Transport.UNIX else Transport.IPV4
                    transport.pair(reactor).use { peer, here ->
                        if (transport == Transport.UNIX) here.write("never read")
                        val begun = CountDownLatch(1)
                        val writer = async {
                            begun.countDown()
                            here.writeUntilItFails(if (round % 2 == 0) 1 else 4096)
                        }
                        val reader = async { here.readToEnd() }
                        begun.await()
                        peer.write("a part of it")
                        if (transport == Transport.UNIX) peer.close() else peer.connection.reset()
                        reader.failure().shouldBeInstanceOf<NetparkException.Reset>()
                        writer.result().shouldBeInstanceOf<NetparkException.Reset>()
                    }
                }
            }
        }
    }

    test("a reset takes effect at once, whoever else holds the socket, and again has no effect") {
        TestReactor().use { reactor ->
            reactor.pair().use { peer, before ->
                val descriptor = before.connection.detach()
                val duplicate = reactor.libc.fcntl(descriptor.number(), 0, 0) // F_DUPFD
                val here = BlockingConnection(ConnectionDescriptor.adopt(reactor.loop, descriptor))
                here.write("unsent or sent")
                here.connection.reset()
                here.connection.reset()
                here.connection.isClosed shouldBe true
                eventually { peer.connection.peerState() shouldBe PeerState.GONE }
                peer.connection.isReset() shouldBe true
                shouldThrow<NetparkException.Closed> { here.readSome() }
                reactor.libc.close(duplicate)
            }
        }
    }

    test("the kernel is asked for input, though an earlier short read says that there is none") {
        TestReactor(loops = 2).use { reactor ->
            reactor.pair().use { peer, here ->
                reactor.pair().use { holder, held ->
                    here.connection.peekInput() shouldBe 0
                    val reader = async { here.readSome() }
                    awaitParkedThreads() // so that no readiness is left over
                    peer.write("a")
                    reader.result() shouldBe "a"
                    // Its loop is held, so that no event can tell of what comes.
                    val hold = CountDownLatch(1)
                    val holding = CountDownLatch(1)
                    here.connection.loop().execute { holding.countDown(); hold.await() }
                    holding.await()
                    try {
                        peer.write("b")
                        eventually { here.connection.peekInput() shouldBe 1 }
                        here.connection.startRead(ByteBuffer.allocate(8)) shouldBe ConnectionDescriptor.PARK // and this did not ask
                        here.connection.peekInput() shouldBe 1
                        here.connection.abandon(Direction.READ)
                    } finally {
                        hold.countDown()
                    }
                    here.readSome() shouldBe "b"
                    holder.close()
                    held.readIsAtEnd() shouldBe true
                    held.connection.peekInput() shouldBe ConnectionDescriptor.END_OF_STREAM
                }
                here.close()
                shouldThrow<NetparkException.Closed> { here.connection.peekInput() }
            }
        }
    }
})
