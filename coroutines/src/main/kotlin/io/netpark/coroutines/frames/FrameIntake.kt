package io.netpark.coroutines.frames

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong

/**
 * Counts what is on its way to one connection: frames, and turns of other writes. Says whether more frames are taken.
 *
 * A thread that submits something counts it first and looks at [isEnded] and [isFinishing] then. A thread that sets one of those sets it
 * first and looks at [isIdle] then. So one of the two sees the other.
 *
 * @param outputLimit how many bytes may wait whatever [capacity] says
 * @param breakOutput told why nothing can be written any more
 */
internal class FrameIntake(private val outputLimit: Long, private val breakOutput: (why: String) -> Unit) {

    /** How many frames, and turns of other writes, are on their way. */
    private val waiting = AtomicInteger()

    /** How many bytes wait, as [capacity] counts them. */
    private val load = AtomicLong()

    /** How many bytes wait that `trySend` has accepted. Nobody waits for them. */
    private val promised = AtomicLong()

    /** Whether the stream has ended, or is broken: `trySend` takes no frame any more. */
    @Volatile var isEnded = false

    /** Whether frames that wait are the last: no frame is taken any more. */
    @Volatile var isFinishing = false

    /** How many bytes may wait before `trySend` refuses. */
    @Volatile var capacity: Long = CAPACITY

    val isIdle: Boolean get() = waiting.get() == 0

    val waitingBytes: Long get() = load.get()

    val promisedBytes: Long get() = promised.get()

    fun costOf(frame: LinkBuffer): Long = frame.available() + OVERHEAD

    fun bytesOf(cost: Long): Long = cost - OVERHEAD

    // A frame that its writer waits for, and the turn of another write

    fun begin(cost: Long) {
        waiting.incrementAndGet()
        load.addAndGet(cost)
    }

    fun end(cost: Long) {
        waiting.decrementAndGet()
        load.addAndGet(-cost)
    }

    fun beginTurn() {
        waiting.incrementAndGet()
    }

    fun endTurn() {
        waiting.decrementAndGet()
    }

    // A frame that nobody waits for

    /** Counts the bytes of a frame if there is room for them. Alone, a frame of any size has room. */
    fun admit(cost: Long): Boolean {
        val most = minOf(capacity, outputLimit)
        while (true) {
            val seen = load.get()
            if (seen > 0 && seen + cost > most) return false
            if (load.compareAndSet(seen, seen + cost)) return true
        }
    }

    /** After [admit]. Returns whether something else is on its way. */
    fun beginSent(cost: Long): Boolean {
        promised.addAndGet(bytesOf(cost))
        return waiting.getAndIncrement() > 0
    }

    fun endSent(cost: Long) {
        end(cost)
        promised.addAndGet(-bytesOf(cost))
    }

    /** A frame has not been written. */
    fun failed(failure: Exception) {
        if (failure is NetparkException.LimitExceeded) return
        isEnded = true // first, and without memory: there may be none
        // The connection lives, and a part of a frame may be in it: nothing else must come behind that, nor an end in order.
        if (failure !is NetparkException) {
            breakOutput("a frame could not be written")
        } else if (failure is NetparkException.TimedOut && failure.timeout() == NetparkException.Timeout.WRITE) {
            breakOutput("a frame was not written in time")
        }
    }

    private companion object {
        const val CAPACITY = 1024L * 1024

        /** The memory of a frame's objects, and what its segment has too much. */
        const val OVERHEAD = 256L
    }
}
