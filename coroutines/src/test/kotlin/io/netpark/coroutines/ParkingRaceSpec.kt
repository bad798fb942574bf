package io.netpark.coroutines

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import java.util.concurrent.RejectedExecutionException
import kotlin.coroutines.CoroutineContext
import kotlin.time.TimeSource

/** Readiness, cancellation, closing and dispatchers that meet in every order. */
class ParkingRaceSpec : NetparkSpec(body = {

    test("E5: a coroutine may be resumed before the function that parked it has returned") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                // The loop's thread resumes as soon as a byte is there; the parking thread may still be parking.
                val rounds = 5_000
                val reader = async(Dispatchers.Default) { repeat(rounds) { server.read(ByteArray(1)) } }
                repeat(rounds) { client.write(ByteArray(1)) }
                reader.await()
            }
        }
    }

    test("E5, S1: an unconfined coroutine continues on the loop and parks again there") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val reader = async(Dispatchers.Unconfined) { server.readFully(2_000) }
                repeat(2_000) { client.write(byteArrayOf(it.toByte())) }
                reader.await() shouldBe ByteArray(2_000) { it.toByte() }
            }
        }
    }

    test("E7: woken without cause, an operation parks again") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch { listener.serve { echo(it) } }
                reactor.dialOver(listener.localAddress).use { client ->
                    val reader = async(Dispatchers.Default) { client.readText(5) }
                    val nudging = launch(Dispatchers.Default) {
                        while (isActive) {
                            reactor.group.loops().single().let { loop ->
                                loop.poller().watched().forEach { watched ->
                                    (watched as? io.netpark.core.net.streams.ConnectionDescriptor)?.nudge(io.netpark.core.fd.Direction.READ)
                                }
                            }
                        }
                    }
                    kotlinx.coroutines.delay(50)
                    client.write("hello")
                    reader.await() shouldBe "hello"
                    nudging.cancelAndJoin()
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("E1, E6: a handler that is cancelled, woken by bytes and closed at once is resumed exactly once") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                var entered = 0
                var left = 0
                val connections = kotlinx.coroutines.channels.Channel<Pair<Connection, kotlinx.coroutines.Job>>(1)
                val serving = launch {
                    listener.serve { connection ->
                        entered++
                        try {
                            connections.send(connection to kotlinx.coroutines.currentCoroutineContext()[kotlinx.coroutines.Job]!!)
                            connection.read(ByteArray(1))
                        } catch (_: NetparkException.TimedOut) {
                            // The deadline was the first.
                        } finally {
                            left++
                        }
                    }
                }
                repeat(500) { round ->
                    reactor.dialOver(listener.localAddress).use { client ->
                        val (connection, handler) = connections.receive()
                        kotlinx.coroutines.coroutineScope {
                            launch(Dispatchers.Default) { handler.cancel() }
                            launch(Dispatchers.Default) { runCatching { client.write("x") } }
                            if (round % 2 == 0) launch(Dispatchers.Default) { connection.close() }
                            launch(Dispatchers.Default) { connection.readDeadline = TimeSource.Monotonic.markNow() }
                        }
                        handler.join()
                    }
                }
                serving.cancelAndJoin()
                entered shouldBe 500
                left shouldBe 500
            }
        }
    }

    test("S1: a dispatcher that throws is reported, and the loop goes on") {
        onReactor { reactor, reporter ->
            reactor.withPair { client, server ->
                val hostile = HostileDispatcher()
                // Not a child of anything: a coroutine that its dispatcher refuses to resume never ends.
                CoroutineScope(hostile).launch { server.read(ByteArray(1)) }
                hostile.refusing = true
                client.write("x")
                eventually { reporter.reports shouldHaveSize 1 }
                reporter.drain()
                reactor.withPair { a, b ->
                    a.write("alive")
                    b.readText(5) shouldBe "alive"
                }
            }
        }
    }
})

/** Runs what it is given at once, until it refuses. */
private class HostileDispatcher : CoroutineDispatcher() {
    @Volatile var refusing = false

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        if (refusing) throw RejectedExecutionException("refused")
        block.run()
    }
}
