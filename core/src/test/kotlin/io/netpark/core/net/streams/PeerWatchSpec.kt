package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.util.concurrent.CompletableFuture

private class Told(connection: ConnectionDescriptor, from: PeerState) {
    private val state = CompletableFuture<PeerState>()
    val watch: PeerWatch = connection.watchPeer(from) { check(state.complete(it)) { "told twice" } }

    val isTold get() = state.isDone

    fun state(): PeerState = state.result()
}

/** Who neither reads nor writes is told that the peer has gone. */
class PeerWatchSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (transport in Transport.entries) {
        context("$flavour $transport") {
            suspend fun pair(name: String, body: (peer: BlockingConnection, watched: BlockingConnection) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { transport.pair(it).use(body) } }

            pair("a half-close behind bytes that nobody reads is told, and then that it is over") { peer, watched ->
                val half = Told(watched.connection, PeerState.HALF_CLOSED)
                val gone = Told(watched.connection, PeerState.GONE)
                watched.connection.peerState() shouldBe PeerState.PRESENT
                peer.write("unread")
                peer.connection.shutdownOutput()
                half.state() shouldBe PeerState.HALF_CLOSED
                watched.connection.peerState() shouldBe PeerState.HALF_CLOSED
                gone.isTold shouldBe false
                watched.connection.shutdownOutput()
                gone.state() shouldBe PeerState.GONE
                watched.connection.isReset() shouldBe false
                watched.readText(6) shouldBe "unread"
                watched.readIsAtEnd() shouldBe true
            }

            pair("what has happened already is told to who asks later, to each of several") { peer, watched ->
                peer.connection.shutdownOutput()
                List(3) { Told(watched.connection, PeerState.HALF_CLOSED) }.forEach { it.state() shouldBe PeerState.HALF_CLOSED }
                Told(watched.connection, PeerState.HALF_CLOSED).state() shouldBe PeerState.HALF_CLOSED
            }

            pair("closing here is told as that; who gave up is not told") { _, watched ->
                val told = List(3) { Told(watched.connection, PeerState.GONE) }
                val over = Told(watched.connection, PeerState.HALF_CLOSED)
                over.watch.close()
                over.watch.close()
                watched.close()
                told.forEach { it.state() shouldBe PeerState.CLOSED }
                Told(watched.connection, PeerState.HALF_CLOSED).state() shouldBe PeerState.CLOSED
                over.isTold shouldBe false
            }

            pair("bytes alone are no reason") { peer, watched ->
                val told = Told(watched.connection, PeerState.HALF_CLOSED)
                repeat(3) {
                    peer.write("bytes")
                    watched.readText(5) shouldBe "bytes"
                }
                told.isTold shouldBe false
                peer.close()
                told.state() shouldBe if (transport == Transport.UNIX) PeerState.GONE else PeerState.HALF_CLOSED
            }

            if (transport != Transport.UNIX) {
                pair("a reset is told as the end of everything, and known to be one") { peer, watched ->
                    val told = List(2) { Told(watched.connection, PeerState.entries[it + 1]) }
                    peer.write("unread")
                    peer.connection.reset()
                    told.forEach { it.state() shouldBe PeerState.GONE }
                    watched.connection.isReset() shouldBe true
                    watched.readText(6) shouldBe "unread"
                    repeat(3) { shouldThrow<NetparkException.Reset> { watched.readSome() } }
                }
            }
        }
    }

    test("it costs no system call, and a loop that ends tells that the connection is closed") {
        val calls = CallCounter()
        TestReactor(calls.libc, loops = 1).use { reactor ->
            reactor.pair().use { peer, watched ->
                calls.awaitQuiet()
                val before = calls.withoutWaits()
                val told = Told(watched.connection, PeerState.HALF_CLOSED)
                told.watch.close()
                calls.withoutWaits() shouldBe before // the loop may only now have come to wait
                val closed = Told(peer.connection, PeerState.GONE)
                reactor.group.close()
                closed.state() shouldBe PeerState.CLOSED
                Told(peer.connection, PeerState.GONE).state() shouldBe PeerState.CLOSED
            }
        }
    }

    test("a connection that is given up is told as closed") {
        TestReactor().use { reactor ->
            reactor.pair().use { _, watched ->
                val told = Told(watched.connection, PeerState.GONE)
                val descriptor = watched.connection.detach()
                told.state() shouldBe PeerState.CLOSED
                descriptor.close()
            }
        }
    }

    test("one that throws is reported, and the others are told") {
        TestReactor().use { reactor ->
            reactor.pair().use { peer, watched ->
                val told = Told(watched.connection, PeerState.HALF_CLOSED)
                watched.connection.watchPeer(PeerState.HALF_CLOSED) { error("by a test") }
                peer.connection.shutdownOutput()
                told.state() shouldBe PeerState.HALF_CLOSED
                eventually { reactor.reporter.drain().single().cause.message shouldBe "by a test" }
            }
        }
    }
})
