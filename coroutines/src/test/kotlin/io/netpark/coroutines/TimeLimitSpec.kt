package io.netpark.coroutines

import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.netpark.core.net.dialing.Resolver
import io.netpark.core.pool.PoolOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield
import java.net.InetAddress
import java.net.InetSocketAddress
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** A time limit of an operation's own loses nothing, whichever moment it strikes at. */
class TimeLimitSpec : NetparkSpec(body = {

    /** A server that answers, and how many connections it has. */
    suspend fun withServer(reactor: Reactor, body: suspend CoroutineScope.(Listener) -> Unit) = coroutineScope {
        val listener = reactor.listen("127.0.0.1", 0)
        val serving = launch { listener.serve { echo(it) } }
        body(listener)
        soon { reactor.group.snapshot().total().connections() shouldBe 0 } // what was lost would be open still
        serving.cancelAndJoin()
    }

    /** Tries as often, with limits about as long as it takes. Returns how often it was in time, and how often not. */
    suspend fun strike(from: Duration, to: Duration, times: Int, attempt: suspend (Duration) -> AutoCloseable?): Pair<Int, Int> {
        var inTime = 0
        var late = 0
        repeat(times) {
            val limit = Random.nextLong(from.inWholeMicroseconds, to.inWholeMicroseconds).microseconds
            val got = try {
                attempt(limit)
            } catch (_: NetparkException.TimedOut) {
                null
            }
            if (got != null) inTime++ else late++
            got?.close()
        }
        return inTime to late
    }

    /** Takes about 2 ms for a name. */
    fun Reactor.slowDialer() = dialer.withResolver(Resolver {
        CompletableFuture<List<InetAddress>>().completeOnTimeout(
            listOf(InetAddress.getLoopbackAddress()), Random.nextLong(1_500, 2_500), TimeUnit.MICROSECONDS,
        )
    })

    test("a dial loses no connection to its time limit") {
        onReactor(loops = 2) { reactor, _ ->
            withServer(reactor) { listener ->
                val port = (listener.localAddress as InetSocketAddress).port
                for (dispatcher in listOf(Dispatchers.Default, reactor.loopDispatchers[0])) withContext(dispatcher) {
                    val (inTime, late) = strike(1_500.microseconds, 3_500.microseconds, 300) {
                        reactor.dial(reactor.slowDialer().withTimeout(it), "somewhere", port)
                    }
                    inTime shouldBeGreaterThan 0
                    late shouldBeGreaterThan 0
                }
            }
        }
    }

    test("a borrow loses no connection to its time limit") {
        onReactor(loops = 2) { reactor, _ ->
            withServer(reactor) { listener ->
                val port = (listener.localAddress as InetSocketAddress).port
                ConnectionPool(reactor, PoolOptions.DEFAULT.withMaxConnections(1), reactor.slowDialer()).use { pool ->
                    val (inTime, late) = withContext(Dispatchers.Default) {
                        strike(1_500.microseconds, 3_500.microseconds, 300) { limit ->
                            pool.borrow(InetSocketAddress.createUnresolved("somewhere", port), limit).let { AutoCloseable { it.discard() } }
                        }
                    }
                    inTime shouldBeGreaterThan 0
                    late shouldBeGreaterThan 0
                    soon { pool.snapshot().lent() shouldBe 0 }
                }
            }
        }
    }

    test("a dial that is cancelled by a time limit around it closes what comes too late") {
        onReactor(loops = 2) { reactor, _ ->
            withServer(reactor) { listener ->
                val port = (listener.localAddress as InetSocketAddress).port
                var kept: Connection? = null
                for (dispatcher in listOf(Dispatchers.Default, reactor.loopDispatchers[0])) withContext(dispatcher) {
                    strike(1.milliseconds, 4.milliseconds, 300) {
                        kept = null
                        // The result of withTimeoutOrNull may be lost, what was assigned within is not.
                        withTimeoutOrNull(it) { kept = reactor.dial(reactor.slowDialer(), "somewhere", port) }
                        kept
                    }
                }
            }
        }
    }

    test("what kotlinx.coroutines drops: a result that is there when the time around it is over") {
        onReactor { reactor, _ ->
            withServer(reactor) { listener ->
                var dialed: Connection? = null
                withContext(Dispatchers.Default) {
                    withTimeoutOrNull(2000) { // long enough for a dial on a busy machine
                        yield() // kotlinx.coroutines keeps the result of a block that has never suspended
                        reactor.dial(listener.localAddress).also {
                            dialed = it
                            @Suppress("BlockingMethodInNonBlockingContext")
                            while (isActive) Thread.sleep(1) // until the time is over, after the end of the dial
                        }
                    }
                }.shouldBeNull()
                dialed.shouldNotBeNull().isOpen shouldBe true // nobody would close it
                dialed!!.close()
            }
        }
    }

    test("within keeps what its block has returned, though the time is over by then") {
        onReactor { reactor, _ ->
            reactor.pair().use { (client, server) ->
                client.write("a line\n")
                withContext(Dispatchers.Default) {
                    server.within(2.seconds, "a line") {
                        it.reader.awaitLine().also { Thread.sleep(2200) }
                    }
                } shouldBe "a line"
            }
        }
    }
})
