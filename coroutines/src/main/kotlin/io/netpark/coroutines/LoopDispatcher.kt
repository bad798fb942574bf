package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.Due
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Delay
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.DisposableHandle
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.InternalCoroutinesApi
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.cancel
import java.util.concurrent.TimeUnit
import kotlin.coroutines.CoroutineContext

/**
 * An event loop as a dispatcher. Coroutines on it run one at a time, on the loop's thread; what is already there needs no
 * dispatch. `delay` and `withTimeout` run on the loop's own timers, and fire on its thread.
 *
 * A coroutine that outlives its loop is cancelled and finishes on [Dispatchers.IO], as with any closed executor.
 */
// Delay is how a dispatcher offers timers; it is marked internal because its shape may change, and is confined here.
@OptIn(InternalCoroutinesApi::class)
public class LoopDispatcher internal constructor(
    /** The loop that the coroutines run on. */
    public val loop: EventLoop,
) : CoroutineDispatcher(), Delay {

    override fun isDispatchNeeded(context: CoroutineContext): Boolean = !loop.inLoop()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        if (!loop.tryExecute(block)) {
            context.cancel(loopClosed())
            Dispatchers.IO.dispatch(context, block)
        }
    }

    @OptIn(ExperimentalCoroutinesApi::class)
    override fun scheduleResumeAfterDelay(timeMillis: Long, continuation: CancellableContinuation<Unit>) {
        val timer = loop.newTimer(
            { with(continuation) { resumeUndispatched(Unit) } }, // a timer's action is on the loop, below no other code
            { continuation.cancel(loopClosed()) },
        )
        if (!timer.arm(fromNow(timeMillis))) {
            continuation.cancel(loopClosed())
        }
        // Last: of a coroutine that has been cancelled already it is called at once, and then it must find the timer armed.
        continuation.invokeOnCancellation { timer.disarm() }
    }

    override fun invokeOnTimeout(timeMillis: Long, block: Runnable, context: CoroutineContext): DisposableHandle {
        val timer = loop.newTimer(block) { context.cancel(loopClosed()) }
        if (!timer.arm(fromNow(timeMillis))) {
            context.cancel(loopClosed()) // the time would never come
        }
        return DisposableHandle { timer.disarm() }
    }

    override fun toString(): String = "LoopDispatcher($loop)"

    private fun loopClosed() = CancellationException("$loop is closed")

    private fun fromNow(millis: Long): Long = Due.`in`(TimeUnit.MILLISECONDS.toNanos(millis.coerceAtLeast(0)))
}
