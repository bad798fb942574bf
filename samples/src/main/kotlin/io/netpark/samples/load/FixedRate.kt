package io.netpark.samples.load

import io.netpark.core.loop.EventLoop
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.resume

/**
 * A request each [interval] nanoseconds, whatever the answers do. Those that find no room are due all the same, and go out as
 * soon as there is some: each counts from the instant at which it was due, so a server that stalls does not hide it (that would
 * be coordinated omission).
 */
internal class FixedRate(loop: EventLoop, private val start: Long, private val interval: Double) : Pace {

    private val timer = loop.newTimer(::serve)
    /** In the order in which they came: so connections have their turns. */
    private val waiting = ArrayDeque<CancellableContinuation<Long>>()
    private var taken = 0L
    private var ended = false

    private fun due(number: Long): Long = start + (number * interval).toLong()

    override suspend fun next(): Long {
        if (waiting.isEmpty()) {
            val due = tryNext()
            if (due != Pace.NONE) return due
        }
        return suspendCancellableCoroutine {
            waiting += it
            if (waiting.size == 1 && !ended) timer.arm(due(taken))
        }
    }

    override fun tryNext(): Long =
        if (ended || due(taken) - System.nanoTime() > 0) Pace.NONE else due(taken++)

    private fun serve() {
        while (true) {
            while (waiting.firstOrNull()?.isActive == false) waiting.removeFirst() // its connection was lost meanwhile
            if (waiting.isEmpty() || ended) return
            val due = tryNext()
            if (due == Pace.NONE) break
            waiting.removeFirst().resume(due)
        }
        timer.arm(due(taken))
    }

    override fun end() {
        ended = true
    }

    /** How many have been due before an instant. */
    fun dueBefore(instant: Long): Long = if (instant - start <= 0) 0 else ((instant - start - 1) / interval).toLong() + 1

    /** For how long, at an instant, the first of those has been due that follow after [sent] requests; 0 if it is not. */
    fun overdue(sent: Long, instant: Long): Long = maxOf(0, instant - due(sent))
}
