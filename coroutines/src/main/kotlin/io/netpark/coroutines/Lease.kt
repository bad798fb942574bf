package io.netpark.coroutines

import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.pool.CheckedBorrow
import io.netpark.core.pool.PoolLease

/**
 * A connection borrowed from a [ConnectionPool]: to be given back, or discarded, once. [ConnectionPool.use] does that by
 * itself.
 *
 * **Threads.** Any; but giving it back must not race with operations on the connection.
 */
public class Lease internal constructor(private val core: PoolLease, connection: ConnectionDescriptor, reactor: Reactor) {

    /** The connection. It is the borrower's until the lease ends; operations on it fail with [IllegalStateException] then. */
    public val connection: Connection = Connection(connection, reactor, lease = this)

    @Volatile private var spoiled = false
    @Volatile private var over = false

    /** Whether it has been neither given back nor discarded. */
    public val isLent: Boolean get() = !over && core.isLent

    internal fun isCheckDue(wish: CheckedBorrow): Boolean = wish.isCheckDue(core)

    private val refusal: String get() = "$connection has been given back to its pool; borrow one again"

    internal fun checkLent() {
        check(isLent) { refusal }
    }

    /** Nobody else could use it. */
    internal fun spoil() {
        checkLent()
        spoiled = true
    }

    /**
     * Gives the connection back for the next borrower. Every answer that was asked for must have been read. It is closed instead
     * if anything is left: bytes unread or unsent, an operation in progress, an output that has ended; by a reset if something of
     * this side is cut off by that, as [Connection.close] does. Deadlines and timeouts are taken away; socket options stay as they
     * are.
     *
     * @throws IllegalStateException it has been given back or discarded already
     */
    public fun giveBack() {
        checkLent()
        if (!end()) return core.discard()
        connection.core.setAttendant(null) // or the idle connection would keep what this borrower had
        core.giveBack()
    }

    /** From now on everything of the lease refuses. Returns whether nothing of an exchange is left. */
    private fun end(): Boolean {
        if (over) return false
        over = true // before it is looked whether anything goes on
        val clean = connection.isClean() && !spoiled
        if (!clean) connection.resetIfCutOff()
        connection.refuseBuffers(refusal)
        return clean
    }

    /**
     * A check had it; if nothing of that is left, it is the borrower's: as it was lent, and out of reach of whatever the check has
     * kept.
     *
     * @return null if it is of no use
     */
    internal fun passOn(reactor: Reactor): Lease? {
        if (!end()) return null
        core.passedCheck()
        return Lease(core, core.connection(), reactor)
    }

    /** Closes the connection, as [Connection.close] does: nobody else will get it. Without effect if the lease has ended. */
    public fun discard() {
        if (!isLent) return
        connection.resetIfCutOff()
        core.discard()
        end()
    }

    internal fun reject() {
        if (!over) connection.resetIfCutOff()
        core.reject()
        end()
    }

    override fun toString(): String = core.toString()
}
