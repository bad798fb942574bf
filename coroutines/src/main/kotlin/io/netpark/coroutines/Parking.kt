package io.netpark.coroutines

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.Job
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.Continuation
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.intrinsics.COROUTINE_SUSPENDED
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.coroutines.resume
import kotlin.coroutines.startCoroutine

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
 * Feels the cancellation of a job, and calls [cancelled] on the canceller's thread, once.
 *
 * It is a coroutine of nobody, suspended in the job's context until [dispose]: a suspended coroutine is what a job tells of its
 * cancellation at once, while a completion listener would be called only after the job's own code has left. It is no child of the
 * job. A child would be there for user code to cancel, which ends the feeling, or to join, which waits for ever.
 */
internal class HandlerSensor(job: Job, private val cancelled: () -> Unit) : Continuation<Unit> {

    override val context: CoroutineContext = job // without a dispatcher: it is resumed where it is cancelled
    private var feeler: CancellableContinuation<Unit>? = null

    init {
        val feel: suspend () -> Unit = { suspendCancellableCoroutine { feeler = it } }
        feel.startCoroutine(this)
    }

    /** The end of the feeling: by cancellation, also of a job that had been cancelled before, or by [dispose]. */
    override fun resumeWith(result: Result<Unit>) {
        if (result.isFailure) cancelled()
    }

    /** The job goes on, or has ended, without this. Called once. */
    fun dispose() {
        feeler?.resume(Unit)
    }
}

/** Whether resuming in this context takes more than a call: some element wants to know which thread it is on. */
internal fun CoroutineContext.hasThreadContext(): Boolean = fold(false) { found, element ->
    found || element is ThreadContextElement<*>
}
