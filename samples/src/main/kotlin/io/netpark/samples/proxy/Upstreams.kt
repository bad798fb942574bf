package io.netpark.samples.proxy

import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.io.IOException
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration

/** How a client's upstream is chosen. */
internal enum class Balance { TURN, LEAST }

/**
 * The upstreams of a proxy.
 *
 * Each client gets a connection of its own, dialed when the client comes and closed when it goes. A pool would save the dialing,
 * and be wrong: the proxy does not know what is said, so it cannot know when an exchange is over; and what one client has begun,
 * a transaction or half a message, would reach the next.
 */
internal class Upstreams(
    private val all: List<Upstream>,
    private val balance: Balance,
    private val reactor: Reactor,
    private val connectTimeout: Duration,
) {
    private val turns = AtomicInteger()

    /** What is wrong here has been told, and no check has succeeded since. */
    private val isFaultTold = AtomicBoolean()

    /**
     * Healthy ones in order of preference; then the others, which may be back without anybody knowing. The turn goes round among the
     * healthy ones alone: the one behind an upstream that is out would get the clients of both.
     */
    internal fun candidates(): List<Upstream> {
        val (healthy, others) = all.partition { it.isHealthy }
        val turn = turns.getAndIncrement()
        return preferred(healthy, turn) + preferred(others, turn)
    }

    private fun preferred(upstreams: List<Upstream>, turn: Int): List<Upstream> {
        if (upstreams.isEmpty()) return upstreams
        val first = Math.floorMod(turn, upstreams.size)
        val inTurn = upstreams.drop(first) + upstreams.take(first)
        if (balance == Balance.TURN) return inTurn
        val clients = inTurn.associateWith { it.now.get() } // once, as they change meanwhile
        return inTurn.sortedBy { clients.getValue(it) }
    }

    /**
     * Connects to the first that can be connected to, for the time of [block].
     *
     * @throws NetparkException the last failure, if none can be
     */
    suspend fun <T> withConnection(block: suspend (Connection) -> T): T {
        lateinit var failure: IOException
        for (upstream in candidates()) {
            upstream.now.incrementAndGet()
            try {
                val connection = try {
                    dial(upstream)
                } catch (e: IOException) {
                    failure = e
                    continue // even if the fault is here: ports may be used up towards one, and not towards the next
                }
                upstream.ever.incrementAndGet()
                return connection.use { block(it) }
            } finally {
                upstream.now.decrementAndGet()
            }
        }
        throw failure
    }

    private suspend fun dial(upstream: Upstream): Connection = try {
        reactor.dial(upstream.target.address, connectTimeout).also { upstream.connected() }
    } catch (e: IOException) {
        if (e.isOfPeer()) {
            upstream.failed(e)
        } else if (!isFaultTold.getAndSet(true)) {
            System.err.println("upstreams cannot be connected to from here: ${e.message}")
        }
        throw e
    }

    /** Connects to each now and then, until it is cancelled. */
    suspend fun check(every: Duration): Unit = coroutineScope {
        for (upstream in all) {
            launch {
                while (true) {
                    delay(every)
                    try {
                        dial(upstream).close()
                        isFaultTold.set(false)
                    } catch (_: IOException) {
                        // It has been told.
                    }
                }
            }
        }
    }

    override fun toString(): String = all.joinToString(", ")
}

/**
 * Whether a failure to connect says something of who was to be connected to. Others are faults of this process or machine:
 * descriptors, ports or memory have run out, or a local rule forbids it.
 */
internal fun IOException.isOfPeer(): Boolean = when (this) {
    is NetparkException.Refused, is NetparkException.Unreachable, is NetparkException.TimedOut, is NetparkException.Reset,
    is NetparkException.UnknownHost,
    -> true
    else -> false
}
