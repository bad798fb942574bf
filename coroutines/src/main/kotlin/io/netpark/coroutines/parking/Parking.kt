package io.netpark.coroutines.parking

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.Continuation
import kotlin.coroutines.intrinsics.COROUTINE_SUSPENDED
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.coroutines.resume

/**
 * Parks coroutines on one direction of a descriptor, in one of two ways.
 *
 * *Any* coroutine parks as a cancellable continuation: 80 bytes and a few compare-and-sets with its Job.
 *
 * The *owner*, a handler on its connection's own loop, parks as it is: this object is the waiter, and holds its bare
 * continuation. Readiness resumes it by a call, on the thread it was suspended on: no allocation, no dispatch.
 * Cancellation reaches it through [HandlerSensor].
 *
 * Both ways resume with nothing but "look again". Who is cancelled releases the operation's lock and has consumed
 * nothing: the next operation finds things as they were.
 */
internal class Parking(private val descriptor: Descriptor, private val direction: Direction) : Waiter {

    /** The owner, while it is parked. Only the loop's thread touches it. */
    private var parked: Continuation<Unit>? = null

    /**
     * Suspends any coroutine until there is reason to retry the operation, which has returned [Descriptor.PARK].
     *
     * @throws kotlinx.coroutines.CancellationException the operation has been abandoned
     */
    suspend fun await() {
        var waiter: Waiter? = null
        try {
            suspendCancellableCoroutine<Unit> { continuation ->
                waiter = CancellableWaiter(continuation).also {
                    if (!descriptor.park(direction, it)) continuation.resume(Unit)
                }
            }
        } catch (e: Throwable) {
            // Out of the slot before out of the lock: the next operation must not meet a dead waiter. If it has been
            // taken out already, the readiness it was woken for is not lost: the next operation asks the kernel first.
            waiter?.let { descriptor.unpark(direction, it) }
            descriptor.abandon(direction)
            throw e
        }
    }

    /** As [await], for the owner: it is on the loop's thread, and its retry looks at [job] first. */
    suspend fun awaitAsOwner(job: Job): Unit = suspendCoroutineUninterceptedOrReturn { continuation ->
        parked = continuation
        // On the loop's thread, where the waiter would run: so it does not run before this has returned.
        if (!descriptor.park(direction, this) || !job.isActive && descriptor.unpark(direction, this)) {
            parked = null
            Unit
        } else {
            COROUTINE_SUSPENDED
        }
    }

    /** The owner's job was cancelled: if it is parked here it is woken, to find out. From any thread. */
    fun ownerCancelled() {
        if (descriptor.unpark(direction, this) && !descriptor.loop().tryExecute(this)) run()
    }

    /** Wakes the owner. */
    override fun run() {
        val continuation = parked
        parked = null
        continuation?.resume(Unit)
    }

    private class CancellableWaiter(private val continuation: CancellableContinuation<Unit>) : Waiter {
        /** Ignored if the coroutine has been cancelled meanwhile. */
        override fun run() = continuation.resume(Unit)
    }
}

/**
 * For an operation that holds the lock of [direction]: if [job] is over, the operation gives up the lock and ends.
 *
 * @throws kotlinx.coroutines.CancellationException the job is over
 */
internal fun Descriptor.abandonUnlessActive(direction: Direction, job: Job?) {
    if (job != null && !job.isActive) {
        abandon(direction)
        job.ensureActive()
    }
}
