package io.netpark.coroutines

import io.netpark.core.net.dialing.Dialer
import io.netpark.core.pool.CheckedBorrow
import io.netpark.core.pool.Pool
import io.netpark.core.pool.PoolLease
import io.netpark.core.pool.PoolOptions
import io.netpark.core.pool.PoolSnapshot
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.endedByFailure
import io.netpark.coroutines.parking.timeoutOf
import java.net.InetSocketAddress
import java.net.SocketAddress
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.resume
import kotlin.time.Duration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.future.await
import kotlinx.coroutines.isActive
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/**
 * Connections to one or many destinations, kept for the next borrower.
 *
 * ```
 * val pool = ConnectionPool(reactor, PoolOptions.DEFAULT.withMaxPerDestination(8))
 * val answer = pool.use("db.internal", 6379) { connection ->
 *     connection.write("PING\r\n".toByteArray())
 *     connection.reader.awaitLine(limit = 512)
 * }
 * ```
 *
 * Borrowers who have to wait are served in the order in which they came. If the peer of an idle connection closes it, or says
 * anything, it is closed and gone at that moment. What it may hold and for how long, [PoolOptions] says; how it chooses,
 * [Pool].
 *
 * **Threads.** Safe for use by any coroutine on any dispatcher.
 *
 * @param reactor where its connections live; must outlive the pool
 * @param options its limits
 * @param dialer how it connects; one of the reactor's
 * @param checkAfter how long a connection may have been idle before [check] is asked
 * @param check asks a connection that has been idle, by a round trip, say, whether it is good; one that is not is closed and the
 *   next one tried. Where it throws, the connection is closed too and the borrower gets the exception, unless that is a
 *   [NetparkException] or a timeout (`withTimeout`)
 */
public class ConnectionPool(
    private val reactor: Reactor,
    options: PoolOptions = PoolOptions.DEFAULT,
    dialer: Dialer = reactor.dialer,
    private val checkAfter: Duration = Duration.ZERO,
    private val check: (suspend (Connection) -> Boolean)? = null,
) : AutoCloseable {

    private val core = Pool(dialer, options)

    /**
     * Borrows a connection for [block], and gives it back after that. If the block throws or is cancelled, the connection is
     * closed: nobody knows then what is still to come over it.
     *
     * **Cancelled** while it waits, it has borrowed nothing.
     *
     * @param destination an [InetSocketAddress], whose name is looked up when connecting if it is unresolved, or a unix address
     * @param timeout how long to wait for a connection; null for as long as the pool's options say. With zero or less it waits for
     *   nothing: it gets one that is idle, or fails at once. There is no time for a check then, and one that is due for it is closed
     * @throws NetparkException.TimedOut there was none in time; the timeout is `BORROW`
     * @throws NetparkException.Closed the pool is closed
     */
    public suspend fun <T> use(
        destination: SocketAddress,
        timeout: Duration? = null,
        block: suspend (Connection) -> T,
    ): T {
        val lease = borrow(destination, timeout)
        val result = try {
            block(lease.connection)
        } catch (e: Throwable) {
            lease.discard()
            throw e
        }
        if (lease.isLent) lease.giveBack()
        return result
    }

    /** As the other, for a host by name or IP literal. */
    public suspend fun <T> use(host: String, port: Int, timeout: Duration? = null, block: suspend (Connection) -> T): T =
        use(InetSocketAddress.createUnresolved(host, port), timeout, block)

    /**
     * Borrows a connection, for longer than a block lasts. The caller gives it back or discards it.
     *
     * **Cancelled**, it has borrowed nothing. Otherwise as [use].
     */
    public suspend fun borrow(destination: SocketAddress, timeout: Duration? = null): Lease {
        val wish = CheckedBorrow(
            core, destination, timeout?.inWholeNanoseconds ?: core.borrowTimeoutNanos(),
            if (check == null) CheckedBorrow.NEVER else checkAfter.inWholeNanoseconds,
        )
        while (true) {
            val lease = awaitLease(wish)
            if (check == null || !lease.isCheckDue(wish)) return lease
            if (isGood(lease, check, timeoutOf(wish.leftNanos()))) lease.passOn(reactor)?.let { return it }
            lease.reject()
        }
    }

    private suspend fun isGood(lease: Lease, check: suspend (Connection) -> Boolean, time: Duration): Boolean = try {
        withTimeoutOrNull(time) { check(lease.connection) } == true
    } catch (_: NetparkException) {
        false
    } catch (e: Throwable) {
        // A timeout of the check's own, thrown on, would end the borrower's coroutine in silence.
        val isItsOwn = e is TimeoutCancellationException && coroutineContext.isActive
        if (!isItsOwn) {
            lease.reject()
            throw e
        }
        false
    }

    private suspend fun awaitLease(wish: CheckedBorrow): Lease {
        val outcome = suspendCancellableCoroutine<Any> { continuation ->
            continuation.endedByFailure {
                wish.ask(object : Pool.Borrower {
                    override fun lent(lease: PoolLease) = continuation.resume(lease) { _, _, _ -> lease.giveBack() }

                    override fun failed(cause: NetparkException) = continuation.resume(cause)
                })
            }
            continuation.invokeOnCancellation { wish.cancel() }
        }
        val lease = outcome as? PoolLease ?: throw outcome as NetparkException
        try {
            return Lease(lease, lease.connection(), reactor)
        } catch (e: Throwable) { // no memory for it
            lease.discard()
            throw e
        }
    }

    /** Makes connections to a destination until as many are idle as the options want at least. Does not wait for them. */
    public fun warmUp(destination: SocketAddress): Unit = core.warmUp(destination)

    /** What it holds and has done. */
    public fun snapshot(): PoolSnapshot = core.snapshot()

    /** The pool below, for what reads its snapshots. */
    public val pool: Pool get() = core

    /**
     * Lends nothing any more, and waits up to [time] for the borrowers to give back what they have; then closes the rest.
     *
     * **Cancelled**, the time is over.
     *
     * @return how many connections were closed that had not been given back
     */
    public suspend fun shutdown(time: Duration): Int {
        try {
            withTimeoutOrNull(time) { core.drain().await() }
        } catch (e: CancellationException) {
            withContext(NonCancellable) { core.cut() }
            throw e
        }
        return core.cut()
    }

    /** Closes it, and every connection, at once. Who waits gets [NetparkException.Closed]. Can be called again. */
    override fun close(): Unit = core.close()

    override fun toString(): String = core.toString()
}
