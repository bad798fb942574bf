package io.netpark.coroutines

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.Job
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.Continuation
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.intrinsics.COROUTINE_SUSPENDED
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.coroutines.resume

/**
 * Parks coroutines on one direction of a descriptor, in one of two ways.
 *
 * *Any* coroutine parks as a cancellable continuation: 80 bytes and a few compare-and-sets with its Job.
 *
 * The *owner*, a handler on its connection's own loop, parks as it is: its bare continuation goes into a waiter made once,
 * and readiness resumes it by a call, on the thread it was suspended on. No allocation, no dispatch. Cancellation
 * reaches it through a [HandlerSensor] set up once for the connection.
 *
 * Both ways resume with nothing but "look again". Who is cancelled releases the operation's lock and has consumed
 * nothing: the next operation finds things as they were.
 */
internal class Parking(private val descriptor: Descriptor, private val direction: Direction) {

    private var owner: Owner? = null

    /** Lets this job, on this dispatcher, park without allocating. */
    fun own(job: Job, dispatcher: LoopDispatcher) {
        owner = Owner(job, dispatcher)
    }

    /** The owner's job was cancelled: if it is parked here it is woken, to find out. From any thread. */
    fun ownerCancelled() {
        val waiter = owner ?: return
        if (descriptor.unpark(direction, waiter) && !descriptor.loop().tryExecute(waiter)) {
            waiter.run()
        }
    }

    /**
     * Suspends until there is reason to retry the operation, which has returned [Descriptor.PARK].
     *
     * @throws kotlinx.coroutines.CancellationException the operation has been abandoned
     */
    suspend fun await() {
        val owner = owner
        return if (owner != null && owner.isCaller(coroutineContext)) park(owner) else parkCancellable()
    }

    private suspend fun park(owner: Owner) = suspendCoroutineUninterceptedOrReturn { continuation ->
        owner.continuation = continuation
        // On the loop's thread, where the waiter would run: so it does not run before this has returned.
        if (!descriptor.park(direction, owner) || !owner.job.isActive && descriptor.unpark(direction, owner)) {
            owner.continuation = null
            Unit // retry now; a retry looks at the job first
        } else {
            COROUTINE_SUSPENDED
        }
    }

    private suspend fun parkCancellable() {
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

    private class Owner(val job: Job, private val dispatcher: LoopDispatcher) : Waiter {
        /** Set while parked. Only the loop's thread touches it. */
        var continuation: Continuation<Unit>? = null

        /** A coroutine started inside the handler has a job of its own, `withContext` too, so this tells them apart. */
        fun isCaller(context: CoroutineContext): Boolean =
            context[Job] === job && context[ContinuationInterceptor] === dispatcher && dispatcher.loop.inLoop()

        override fun run() {
            val parked = continuation
            continuation = null
            parked?.resume(Unit)
        }
    }

    private class CancellableWaiter(private val continuation: CancellableContinuation<Unit>) : Waiter {
        /** Ignored if the coroutine has been cancelled meanwhile. */
        override fun run() = continuation.resume(Unit)
    }
}

/**
 * Feels the cancellation of a handler. A child job is the way to it that public API offers: cancelling a job cancels its
 * children at once, while a completion listener of the job itself would be called only after the handler has left.
 */
internal class HandlerSensor(handler: Job, private val cancelled: () -> Unit) {
    private val child = Job(handler)

    init {
        child.invokeOnCompletion { cause -> if (cause != null) cancelled() }
    }

    /** The handler has left: its job must not wait for this child. */
    fun dispose() {
        child.complete()
    }
}

/** Whether resuming in this context takes more than a call: some element wants to know which thread it is on. */
internal fun CoroutineContext.hasThreadContext(): Boolean = fold(false) { found, element ->
    found || element is ThreadContextElement<*>
}
