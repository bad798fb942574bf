package io.netpark.samples.load

import io.netpark.core.pool.PoolOptions
import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.withBackOff
import io.netpark.coroutines.withIdleTimeout
import io.netpark.coroutines.withMaxLifetime
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.HdrHistogram.Histogram
import org.HdrHistogram.SingleWriterRecorder
import java.nio.ByteBuffer
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/**
 * An event loop with its clients and their pool. All of them run on its thread and share what is here without locks; others
 * look at it from outside.
 */
internal class Lane(
    val options: LoadOptions,
    val content: Content,
    val errors: Errors,
    private val number: Int,
    private val lanes: Int,
) : AutoCloseable {

    private val reactor = Reactor(loops = 1) {
        name("load-$number")
        options.binding.applyTo(this)
        reporter { _, cause -> errors.noteConnecting(cause) } // the pool, once an episode: nobody else has anything to report
    }
    private val dispatcher = reactor.loopDispatchers.single()
    private val clients = (number until options.connections step lanes).map { Client(it, this) }

    val pool: ConnectionPool = ConnectionPool(
        reactor,
        PoolOptions.DEFAULT.withMaxConnections(clients.size).withMaxPerDestination(clients.size)
            .withIdleTimeout(Duration.INFINITE).withMaxLifetime(Duration.INFINITE)
            .withBackOff(100.milliseconds, 1.seconds),
        reactor.dialer.withTls(options.tls),
    )

    /** For what is read. Empty whenever a client suspends, so one is enough: an idle connection has no buffer. */
    val input: ByteBuffer = ByteBuffer.allocateDirect(INPUT_SIZE)

    private val recorder = SingleWriterRecorder(TimeUnit.HOURS.toNanos(1), 3)
    private var pace: Pace = ClosedLoop()

    // Volatile as others read them; only the loop's thread writes.

    /** Requests sent. */
    @Volatile private var sent = 0L
    /** Requests in flight on connections that were lost. */
    @Volatile var lost = 0L
        private set
    /** Requests in flight for which nobody waited any longer. */
    @Volatile var unanswered = 0
        private set
    /** When the last answer was complete. */
    @Volatile var lastAnswer = 0L
        private set

    // What clients tell

    fun sent() {
        sent++
    }

    fun answered(since: Long, now: Long) {
        recorder.recordValue((now - since).coerceIn(0, TimeUnit.HOURS.toNanos(1)))
        lastAnswer = now
    }

    fun lost(requests: Int) {
        lost += requests
    }

    // What is asked of it

    /** A first exchange with the server, over a connection of its own: fails at once if that does not work. */
    suspend fun probe() = withContext(dispatcher) {
        reactor.dial(options.target.address, timeout = 10.seconds, tls = options.tls).use { Client(0, this@Lane).prove(it) }
    }

    /** Connects all clients. */
    suspend fun open() = withContext(dispatcher) {
        coroutineScope { clients.forEach { launch { it.open() } } }
    }

    /** Loads the server from an instant on, until [stop]; then waits a little for the answers that are still to come. */
    suspend fun run(start: Long, stop: CompletableDeferred<Unit>) = withContext(dispatcher) {
        recorder.reset()
        pace = pace(start)
        val work = launch { clients.forEach { launch { it.run(pace) } } }
        stop.await()
        pace.end()
        val patience = System.nanoTime() + GRACE.inWholeNanoseconds
        while (inFlight() > 0 && System.nanoTime() - patience < 0) delay(1)
        unanswered = inFlight()
        work.cancelAndJoin()
    }

    private fun pace(start: Long): Pace {
        if (options.rate == null) return ClosedLoop()
        val interval = TimeUnit.SECONDS.toNanos(1) / options.rate
        // The lanes share the rate: of three, each takes every third request.
        return FixedRate(reactor.group.first(), start + (number * interval).toLong(), interval * lanes)
    }

    private fun inFlight(): Int = clients.sumOf { it.inFlight }

    // What can be seen from outside

    /** The latencies of answers since this was last asked. */
    fun takeLatencies(): Histogram = recorder.intervalHistogram

    /** Connections open, and dials that have failed. */
    fun poolState(): Pair<Int, Long> = pool.snapshot().run { open to dialFailures }

    /** What was due before an instant and is not sent. */
    fun backlog(instant: Long): Backlog {
        val rate = pace as? FixedRate ?: return Backlog.NONE
        val sent = sent
        val waiting = rate.dueBefore(instant) - sent
        return if (waiting <= 0) Backlog.NONE else Backlog(waiting, rate.overdue(sent, instant))
    }

    override fun close() {
        pool.close()
        reactor.close()
    }

    private companion object {
        const val INPUT_SIZE = 64 * 1024
        val GRACE = 2_000.milliseconds
    }
}
