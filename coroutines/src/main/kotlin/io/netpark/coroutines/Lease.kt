package io.netpark.coroutines

import io.netpark.core.net.Connection as CoreConnection
import io.netpark.core.pool.Lease as CoreLease

/**
 * A connection borrowed from a [ConnectionPool]: to be given back, or discarded, once. [ConnectionPool.use] does that by
 * itself.
 *
 * **Threads.** Any; but giving it back must not race with operations on the connection.
 */
public class Lease internal constructor(private val core: CoreLease, connection: CoreConnection, buffering: Buffering) {

    /** The connection. It is the borrower's until the lease ends; operations on it fail with [IllegalStateException] then. */
    public val connection: Connection = Connection(connection, buffering, lease = this)

    @Volatile private var spoiled = false

    /** Whether it has been neither given back nor discarded. */
    public val isLent: Boolean get() = core.isLent

    internal val idleNanos: Long get() = core.idleNanos()

    internal fun checkLent() {
        check(core.isLent) { "$connection has been given back to its pool; borrow one again" }
    }

    /** Nobody else could use it. */
    internal fun spoil() {
        checkLent()
        spoiled = true
    }

    /**
     * Gives the connection back for the next borrower. Every answer that was asked for must have been read. It is closed instead
     * if anything is left: bytes unread or unsent, an operation in progress, an output that has ended. Deadlines and the idle
     * timeout are taken away; socket options stay as they are.
     *
     * @throws IllegalStateException it has been given back or discarded already
     */
    public fun giveBack() {
        checkLent()
        val clean = connection.isClean() && !spoiled
        connection.endBuffers()
        if (clean) core.giveBack() else core.discard()
    }

    /** Closes the connection: nobody else will get it. Without effect if the lease has ended. */
    public fun discard() {
        if (!core.isLent) return
        core.discard()
        connection.endBuffers()
    }

    internal fun reject() {
        core.reject()
        connection.endBuffers()
    }

    override fun toString(): String = core.toString()
}
