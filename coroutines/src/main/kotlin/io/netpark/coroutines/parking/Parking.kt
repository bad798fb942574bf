package io.netpark.coroutines.parking

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.suspendCancellableCoroutine
import java.util.function.Supplier
import kotlin.coroutines.Continuation
import kotlin.coroutines.intrinsics.COROUTINE_SUSPENDED
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.coroutines.resume

/**
 * Parks coroutines on one direction of a descriptor, in one of two ways.
 *
 * *Any* coroutine parks as a cancellable continuation, which costs 80 bytes and a few compare-and-sets with its Job.
 *
 * The *owner*, a handler on its connection's own loop, parks as it is: this object is the waiter, and holds the owner's bare
 * continuation. Readiness resumes the owner by a call, on the thread that it was suspended on, without an allocation or a dispatch.
 * Cancellation reaches the owner through [HandlerSensor].
 *
 * Both ways resume with nothing but "look again". A coroutine that is cancelled releases the operation's lock and has consumed
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
            // The waiter leaves the slot before the operation leaves the lock: the next operation must not meet a dead waiter. If
            // the waiter has been woken already, that readiness is not lost: the next operation asks the kernel first.
            waiter?.let { descriptor.unpark(direction, it) }
            descriptor.abandon(direction)
            throw e
        }
    }

    /** As [await], for the owner. The owner is on the loop's thread, and its retry looks at [job] first. */
    suspend fun awaitAsOwner(job: Job): Unit = suspendCoroutineUninterceptedOrReturn { continuation ->
        parked = continuation
        // This is the loop's thread, on which the waiter would run. So the waiter does not run before this has returned.
        if (!descriptor.park(direction, this) || !job.isActive && descriptor.unpark(direction, this)) {
            parked = null
            Unit
        } else {
            COROUTINE_SUSPENDED
        }
    }

    /** The owner's job was cancelled: if the owner is parked here, it is woken to find that out. Any thread may call it. */
    fun ownerCancelled() {
        if (descriptor.unpark(direction, this)) descriptor.loop().wake(this)
    }

    /** Wakes the owner. */
    override fun run() {
        val continuation = parked
        parked = null
        continuation?.resume(Unit)
    }

    // For somebody who looks, on the loop

    override fun who(): String = parked?.who() ?: COROUTINE

    override fun frames(): Supplier<List<StackTraceElement>> = parked?.suspendedAt() ?: Supplier { emptyList() }

    private class CancellableWaiter(private val continuation: CancellableContinuation<Unit>) : Waiter {
        /** Resumes the coroutine. That is ignored if the coroutine has been cancelled meanwhile. */
        override fun run() = continuation.resume(Unit)

        override fun who(): String = continuation.who()

        override fun frames(): Supplier<List<StackTraceElement>> = continuation.suspendedAt()
    }
}

private const val COROUTINE = "coroutine"

private fun Continuation<*>.who(): String = context[CoroutineName]?.let { "$COROUTINE ${it.name}" } ?: COROUTINE

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
