package io.netpark.coroutines.loops

import io.netpark.core.loop.EventLoop
import java.lang.reflect.Modifier
import java.util.concurrent.TimeUnit
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Delay
import kotlinx.coroutines.DisposableHandle
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.InternalCoroutinesApi
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.cancel

/*
 * The parts of kotlinx.coroutines that Netpark uses and that kotlinx.coroutines does not promise to keep: Delay, by which a dispatcher
 * offers timers, and resumeUndispatched, by which it resumes a coroutine on the spot. A version without them, or with other ones, costs
 * loops their timers for delays, and nothing else.
 */

/** `-Dnetpark.loopTimers=off` turns the loops' timers for delays off. */
internal const val LOOP_TIMERS: String = "netpark.loopTimers"

private val loopTimersFit: Boolean = System.getProperty(LOOP_TIMERS) != "off" && doLoopTimersFit()

/** The dispatcher of a loop, with the loop's timers if kotlinx.coroutines allows that. */
internal fun dispatcherOn(loop: EventLoop): LoopDispatcher = if (loopTimersFit) LoopTimers.on(loop) else LoopDispatcher(loop)

private fun doLoopTimersFit(): Boolean {
    val misfit = try {
        LoopTimers.misfit() ?: return true
    } catch (e: LinkageError) { // thrown where LoopTimers is first used, and so not before here
        e.toString()
    }
    System.getLogger("io.netpark.coroutines").log(
        System.Logger.Level.WARNING,
        "delay and withTimeout run on the timer of kotlinx.coroutines and not on event loops: this version of it does not fit ($misfit)",
    )
    return false
}

@OptIn(InternalCoroutinesApi::class, ExperimentalCoroutinesApi::class)
internal class LoopTimers private constructor(loop: EventLoop) : LoopDispatcher(loop), Delay {

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

    private fun fromNow(millis: Long): Long = loop.clock().after(TimeUnit.MILLISECONDS.toNanos(millis.coerceAtLeast(0)))

    companion object {
        fun on(loop: EventLoop): LoopDispatcher = LoopTimers(loop)

        /** What would fail at the first delay, when it is too late to do without; null for nothing. */
        fun misfit(): String? {
            LoopTimers::class.java.methods.firstOrNull { Modifier.isAbstract(it.modifiers) }?.let { return "it also wants $it" }
            val resumes = CancellableContinuation::class.java.methods.any {
                it.name == "resumeUndispatched" &&
                    it.parameterTypes.contentEquals(arrayOf(CoroutineDispatcher::class.java, Any::class.java))
            }
            return if (resumes) null else "it has no resumeUndispatched"
        }
    }
}
