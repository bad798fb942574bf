package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withTimeout
import java.util.concurrent.CountDownLatch
import kotlin.time.Duration.Companion.seconds

/** Learning of the peer's end, and ending so that the peer loses nothing. */
class PeerSpec : NetparkSpec(body = {
    val long = Shutdown(finish = 60.seconds)

    for (flavour in allAndOrdered) {
        test("$flavour: who waits for the peer's end is told which it was, with bytes unread in front and beside a reader") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    server.peerState shouldBe PeerState.PRESENT
                    val first = async { server.awaitPeerClosed() }
                    val second = async(flavour.elsewhere(reactor)) { server.awaitPeerClosed() }
                    val gone = async { server.awaitPeerClosed(PeerState.GONE) }
                    val reading = async { server.readText(3) }
                    client.write("one, and more that nobody reads")
                    reading.await() shouldBe "one"
                    first.isCompleted shouldBe false
                    client.shutdownOutput()
                    first.await() shouldBe PeerState.HALF_CLOSED
                    second.await() shouldBe PeerState.HALF_CLOSED
                    server.awaitPeerClosed() shouldBe PeerState.HALF_CLOSED
                    server.peerState shouldBe PeerState.HALF_CLOSED
                    gone.isCompleted shouldBe false
                    client.reset()
                    gone.await() shouldBe PeerState.GONE
                    server.peerState shouldBe PeerState.GONE
                }
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: who waits for the peer's end learns of a closing here, and can be cancelled, which changes nothing") {
        onReactor(flavour) { reactor ->
            reactor.withPair { client, server ->
                launch { server.awaitPeerClosed() }.run {
                    delay(1)
                    cancelAndJoin()
                }
                supervisorScope {
                    val cancelled = async { cancel(); server.awaitPeerClosed() }
                    shouldThrow<CancellationException> { cancelled.await() }
                    val waiting = async { server.awaitPeerClosed() }
                    client.write("x")
                    server.readText(1) shouldBe "x"
                    server.close()
                    shouldThrow<NetparkException.Closed> { waiting.await() }.message!! shouldContain "closed here"
                    shouldThrow<NetparkException.Closed> { server.awaitPeerClosed() }
                }
                shouldThrow<IllegalArgumentException> { client.awaitPeerClosed(PeerState.CLOSED) }
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: a handler that works is cancelled when its client goes, as the documentation has it") {
        onReactor(flavour) { reactor ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val cancelled = CompletableDeferred<Unit>()
                val serving = launch {
                    listener.serve(onFailure = { _, failure -> cancelled.completeExceptionally(failure) }) { connection ->
                        connection.readText(1)
                        coroutineScope {
                            val watch = launch {
                                connection.awaitPeerClosed()
                                this@coroutineScope.cancel("the client has gone")
                            }
                            try {
                                awaitCancellation()
                            } finally {
                                cancelled.complete(Unit)
                            }
                            @Suppress("UNREACHABLE_CODE")
                            watch.cancel()
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).use { it.write("x and unread") }
                withTimeout(SOON) { cancelled.await() } // there is no handler if accepting has failed, or a handshake
                serving.cancelAndJoin()
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: an answer that comes early arrives whole though the peer still sends, and what was unflushed with it") {
        onReactor(flavour) { reactor ->
            reactor.listenOver("127.0.0.1", 0, NetOptions.DEFAULT.withSendBuffer(1 shl 20)).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        connection.readText(1)
                        connection.writer.put(pattern(200_000))
                        connection.closeLingering()
                        connection.isOpen shouldBe false
                        connection.closeLingering()
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write(ByteArray(3_000_000)) // all of it is taken, though nobody wants it
                    client.readToEnd().contentEquals(pattern(200_000)) shouldBe true
                }
                serving.cancelAndJoin()
            }
        }
    }

    for (flavour in Flavour.all) { // not in several orders: it holds a loop, which no schedule knows of
        test("$flavour: a shutdown drops neither a request in the socket nor an answer on its way") {
            onReactor(flavour) { reactor ->
                val listener = reactor.listenOver("127.0.0.1", 0, NetOptions.DEFAULT.withSendBuffer(1 shl 20))
                val answered = CompletableDeferred<Unit>()
                val gate = CountDownLatch(1)
                val served = CompletableDeferred<Unit>()
                val serving = launch {
                    listener.serve { connection ->
                        var requests = 0
                        while (connection.awaitRequest()) {
                            connection.reader.skip(1)
                            connection.writer.put(pattern(200_000, ++requests))
                            connection.writer.flush()
                            if (requests == 2) {
                                answered.complete(Unit)
                                gate.await() // the loop learns of nothing meanwhile
                            }
                        }
                        requests shouldBe 3
                        served.complete(Unit)
                    }
                }
                Reactor(1) { daemon(true) }.use { clients ->
                    clients.dialOver(listener.localAddress).use { client ->
                        try {
                            client.write("a")
                            client.readFully(200_000) // and so it has been parked
                            client.write("b")
                            answered.await()
                            val report = async { listener.shutdown(long) }
                            soon { listener.isOpen shouldBe false }
                            client.write("c")
                            soon { client.tcpInfo().unacknowledged() shouldBe 0 } // in the socket before the handler asks for it
                            gate.countDown()
                            served.await()
                            report.await() shouldBe Shutdown.Report(0, 1, 0, 0) // it was at work when accepting stopped
                            client.write("d") // too late: nobody will answer it, and it must not reset what is on its way
                            delay(20)
                            client.readFully(200_000).contentEquals(pattern(200_000, 2)) shouldBe true
                            client.readToEnd().contentEquals(pattern(200_000, 3)) shouldBe true
                        } finally {
                            gate.countDown()
                        }
                    }
                }
                serving.join()
            }
        }
    }
})
