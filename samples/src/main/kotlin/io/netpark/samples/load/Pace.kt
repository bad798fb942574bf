package io.netpark.samples.load

import kotlinx.coroutines.awaitCancellation

/** When requests are due. Of one loop, and its thread. */
internal interface Pace {

    /** Waits until a request is due, and returns since when, as a nanoTime: its latency counts from there. */
    suspend fun next(): Long

    /** The same for one more request that is due already, or [NONE]. */
    fun tryNext(): Long

    /** No request is due any more; who waits for one waits until cancelled. */
    fun end()

    companion object {
        const val NONE: Long = Long.MIN_VALUE
    }
}

/** A request is due as soon as there is room for it: its connection decides, by its answers. */
internal class ClosedLoop : Pace {

    private var ended = false

    override suspend fun next(): Long = if (ended) awaitCancellation() else System.nanoTime()

    override fun tryNext(): Long = if (ended) Pace.NONE else System.nanoTime()

    override fun end() {
        ended = true
    }
}
