package io.netpark.coroutines.loops

import io.netpark.core.loop.EventLoop
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.cancel

/**
 * The dispatcher of an event loop. Its coroutines run one at a time, on the loop's thread. A coroutine that is already there needs no
 * dispatch. `delay` and `withTimeout` run on the loop's own timers, and fire on its thread. With a version of kotlinx.coroutines that
 * does not allow that they run on the timer of kotlinx.coroutines, and end by a dispatch (see `docs/operation.md`).
 *
 * A coroutine that outlives its loop is cancelled, and finishes on [Dispatchers.IO], as with any closed executor.
 */
public open class LoopDispatcher internal constructor(
    /** The loop that the coroutines run on. */
    public val loop: EventLoop,
) : CoroutineDispatcher() {

    override fun isDispatchNeeded(context: CoroutineContext): Boolean = !loop.inLoop()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        if (!loop.tryWake(block)) { // nobody else knows of the coroutine
            context.cancel(loopClosed())
            Dispatchers.IO.dispatch(context, block)
        }
    }

    internal fun loopClosed(): CancellationException = CancellationException("$loop is closed")

    override fun toString(): String = "LoopDispatcher($loop)"
}
