package io.netpark.coroutines

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Direction
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.streams.FrameQueue
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.endedByFailure
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine

/**
 * Lets many coroutines write to one connection. A frame is whole: nothing comes between its bytes. Frames that have
 * gathered while an earlier one was on its way go out by one system call, and the others of the connection's loop have their turns
 * between.
 *
 * [write] suspends until the kernel has the frame. [trySend] never suspends: it leaves the frame here, up to [capacity], and says
 * false when the peer is too slow. Frames go out in the order in which they were written and sent, whichever way that was.
 *
 * **Other writes** to the connection ([Connection.write], [Writer.flush], [Connection.sendFile]) take turns with frames. One that is
 * called while frames wait suspends until those are written, and frames wait until it has ended. A flush that was cancelled or timed
 * out holds frames up until another flush has sent the rest. A connection that is copied to by [Connection.copyTo] must not be
 * sent frames meanwhile.
 *
 * **The end.** A handler that returns normally has its frames written, as it has its writer flushed; meanwhile [trySend]
 * refuses, and [write] fails with [NetparkException.Closed]. When the connection is closed, or its handler fails, frames that wait
 * are dropped: [write] fails, and if there are any of [trySend], which nobody is told of, the connection ends with a reset.
 *
 * **Threads.** Any number of coroutines and threads, on any dispatchers.
 *
 * @see Connection.frames
 */
public class Frames internal constructor(
    private val connection: Connection,
    private val core: ConnectionDescriptor,
    private val buffering: Buffering,
) {

    private val queue = FrameQueue(core, buffering.newOutput())

    /** Frames, and turns of other writes, on their way. */
    private val waiting = AtomicInteger()
    private val load = AtomicLong()

    /** The bytes of frames that [trySend] has accepted, and nobody waits for. */
    private val promised = AtomicLong()

    /** No frame is taken any more by [trySend]: the stream has ended, or is broken. */
    @Volatile private var isEnded = false

    /** No frame is taken any more: those that wait are the last. */
    @Volatile private var isFinishing = false

    /**
     * How many bytes of frames may wait for the peer before [trySend] refuses, 1 MiB unless set: as many as are worth keeping for a peer
     * that is behind. Each frame counts for 256 bytes more than it has, for the memory that it takes besides. Frames of [write] count as
     * well, and are not refused. A frame is never refused for its size alone while no other waits.
     *
     * @throws IllegalArgumentException a capacity that is not positive
     */
    @Volatile
    public var capacity: Long = CAPACITY
        set(bytes) {
            require(bytes > 0) { "the capacity for frames must be positive: $bytes" }
            field = bytes
        }

    /** How many bytes wait for the peer, as [capacity] counts them. Changes at any time. */
    public val waitingBytes: Long get() = load.get()

    /** How many bytes wait that were accepted by [trySend]: whoever sent it is not told that it is dropped. */
    internal val promisedBytes: Long get() = promised.get()

    /** Whether nothing is on its way. */
    internal val isIdle: Boolean get() = waiting.get() == 0

    /**
     * Writes a frame. Suspends until the kernel has taken all of it: the caller's turn may be long in coming if the peer is
     * slow, and so nobody collects more than one frame.
     *
     * **Cancelled**, the frame has been written whole, or will be, or not at all: never a part.
     *
     * @param build puts the frame's bytes; runs at once, in the caller. If it throws, nothing is written
     * @throws io.netpark.core.sys.NetparkException.LimitExceeded the frame, or all that wait, are over
     *   [Buffering.outputLimit] or the pool's limit. Nothing of it is written, and others can be
     * @throws io.netpark.core.sys.NetparkException the connection failed, or was closed. A part of the frame may have
     *   reached the peer, and nothing more can be written
     * @throws IllegalStateException [Connection.writer] holds bytes: flush it first. Nothing of the frame is written, and others can be
     */
    public suspend fun write(build: BufferWriter.() -> Unit) {
        beforeFrame()
        val bytes = built(build)
        suspendCancellableCoroutine { continuation ->
            val frame = WrittenFrame(bytes, continuation)
            continuation.endedByFailure { submit(frame, bytes) }
            continuation.invokeOnCancellation { frame.withdraw() }
        }
    }

    /**
     * Sends a frame if there is room for it, and never suspends: for a broadcaster, who must not wait for the slowest.
     *
     * ```
     * for (member in members) {
     *     if (!member.connection.frames.trySend { link(news.duplicate()) }) drop(member)
     * }
     * ```
     *
     * It may be called with locks held: nothing of another coroutine runs within it. The frame is written after everything that was
     * submitted before, and behind what is being written or flushed in another way. Nobody is told when it is written, or that it
     * was not because the connection failed meanwhile: then this returns false from then on, and [Connection.read] says why.
     *
     * @param build puts the frame's bytes; runs at once, in the caller, or not at all. If it throws, nothing is sent. A large frame for
     *   many is better linked than put: all share its memory then
     * @return true if the frame will be written, unless the connection ends before; false if it will not: frames for as much as
     *   [capacity] wait, or the connection is closed, its output broken or shut down, or its handler has ended
     * @throws io.netpark.core.sys.NetparkException.LimitExceeded the frame is over [Buffering.outputLimit], or the pool's limit
     */
    public fun trySend(build: BufferWriter.() -> Unit): Boolean {
        if (!accepts() || load.get() > capacity) return false
        val bytes = built(build)
        val cost = bytes.available() + OVERHEAD
        if (!admit(cost)) {
            bytes.close()
            return false
        }
        promised.addAndGet(cost - OVERHEAD)
        val isBusy = waiting.getAndIncrement() > 0
        try {
            if (isBusy) bytes.trim() // it may have to stay for a while
            if (accepts()) {
                connection.noteAnswer()
                queue.submit(SentFrame(bytes, cost))
                return true
            }
            takeBack(bytes, cost)
            return false
        } catch (e: Throwable) { // an OutOfMemoryError: it has not been submitted
            takeBack(bytes, cost)
            throw e
        }
    }

    private fun takeBack(bytes: LinkBuffer, cost: Long) {
        sentFrameEnded(cost)
        bytes.close()
    }

    private fun sentFrameEnded(cost: Long) {
        waiting.decrementAndGet()
        load.addAndGet(-cost)
        promised.addAndGet(OVERHEAD - cost)
    }

    private fun beforeFrame() {
        connection.beforeFrame()
        if (isFinishing) throw connection.takesNoFrames()
    }

    private fun accepts(): Boolean = !isEnded && !isFinishing && connection.acceptsFrames()

    private fun admit(cost: Long): Boolean {
        val most = minOf(capacity, buffering.outputLimit)
        while (true) {
            val seen = load.get()
            if (seen > 0 && seen + cost > most) return false
            if (load.compareAndSet(seen, seen + cost)) return true
        }
    }

    private inline fun built(build: BufferWriter.() -> Unit): LinkBuffer {
        val bytes = LinkBuffer(buffering.pool, buffering.outputLimit)
        try {
            bytes.build()
        } catch (e: Throwable) {
            bytes.close()
            throw e
        }
        return bytes
    }

    /** Counted first, and then looked whether the connection is lent: who gives it back does that the other way round. */
    private fun submit(frame: WrittenFrame, bytes: LinkBuffer) {
        waiting.incrementAndGet()
        load.addAndGet(frame.cost)
        try {
            beforeFrame()
            queue.submit(frame)
        } catch (e: Throwable) { // also an OutOfMemoryError: it has not been submitted
            waiting.decrementAndGet()
            load.addAndGet(-frame.cost)
            bytes.close()
            throw e
        }
    }

    // Other writes

    /** Gives another write the lock of the output, as if it had been parked; false if it has to [wait for its turn][awaitTurn]. */
    internal fun lendOutput(): Boolean = isIdle && !queue.isHeld && core.reserve(Direction.WRITE)

    /** Suspends until the caller's turn to write has come, and then it has the lock of the output. Cancelled, it has not. */
    internal suspend fun awaitTurn(): Unit = Turn().await()

    /** Has frames wait until all of [write] has been written, though it may be broken off meanwhile. */
    internal fun hold(write: Any): Boolean = queue.hold(write)

    internal fun goOn(write: Any) = queue.goOn(write)

    internal fun isHeldBy(write: Any): Boolean = queue.isHeldBy(write)

    // The end

    /** Refuses what comes from now on, and suspends until all frames have been written. Cancelled, it refuses nothing any more. */
    internal suspend fun finish() {
        isFinishing = true // before it is looked what is on its way, as who submits a frame does it the other way round
        try {
            while (!isIdle) {
                awaitTurn()
                core.abandon(Direction.WRITE)
            }
        } catch (e: Throwable) {
            isFinishing = false
            throw e
        }
    }

    /**
     * Refuses what is sent from now on, if nothing is on its way.
     *
     * @return false if something is, and then nothing is refused that was not before
     */
    internal fun endIfIdle(): Boolean {
        val wasEnded = isEnded
        isEnded = true // before it is looked what is on its way, as who submits a frame does it the other way round
        val wasIdle = isIdle
        if (!wasIdle) isEnded = wasEnded
        return wasIdle
    }

    /** Fails all frames: nothing must be written behind something that was cut off. */
    internal fun breakOff(why: NetparkException) {
        isEnded = true
        queue.breakOff(why)
    }

    private fun failed(failure: Exception) {
        if (failure !is NetparkException || failure is NetparkException.LimitExceeded) return
        // The connection lives, and a part of a frame may be in it: nothing else must come behind that, nor an end in order.
        if (failure is NetparkException.TimedOut && failure.timeout() == NetparkException.Timeout.WRITE) {
            connection.breakOutput("a frame was not written in time")
        }
        isEnded = true
    }

    private inner class WrittenFrame(
        bytes: LinkBuffer,
        private val continuation: CancellableContinuation<Unit>,
    ) : FrameQueue.Frame(bytes) {

        val cost = bytes.available() + OVERHEAD

        /** Ignored if the coroutine has been cancelled meanwhile. */
        override fun ended(failure: Exception?) {
            try {
                failure?.let { failed(it) } // first: who finds nothing on its way finds a broken output
            } finally {
                waiting.decrementAndGet()
                load.addAndGet(-cost)
            }
            if (failure == null) continuation.resume(Unit) else continuation.resumeWithException(failure)
        }
    }

    private inner class SentFrame(bytes: LinkBuffer, private val cost: Long) : FrameQueue.Frame(bytes) {

        override fun ended(failure: Exception?) {
            try {
                failure?.let { failed(it) } // first: who finds nothing on its way finds a broken output
            } finally {
                sentFrameEnded(cost)
            }
            if (failure != null) core.loop().countDropped(cost - OVERHEAD)
        }
    }

    /**
     * The turn of another write.
     *
     * ```text
     * COMING --its turn has come--> BEGUN: the coroutine has the lock of the output, as one whose write was parked
     *        --cancelled----------> GIVEN_UP
     * ```
     */
    private inner class Turn : FrameQueue.Turn() {

        private val state = AtomicInteger(COMING)
        private lateinit var continuation: CancellableContinuation<Unit>

        /** Suspends until it has come. Cancelled, the lock is free or another's. */
        suspend fun await() {
            try {
                suspendCancellableCoroutine<Unit> {
                    continuation = it
                    it.endedByFailure { submit() }
                }
            } catch (e: Throwable) {
                if (!state.compareAndSet(COMING, GIVEN_UP) && state.get() == BEGUN) core.abandon(Direction.WRITE)
                throw e
            }
        }

        private fun submit() {
            waiting.incrementAndGet()
            try {
                queue.submit(this)
            } catch (e: Throwable) { // an OutOfMemoryError
                waiting.decrementAndGet()
                throw e
            }
        }

        override fun begin(): Boolean {
            waiting.decrementAndGet()
            if (!state.compareAndSet(COMING, BEGUN)) return false
            continuation.resume(Unit)
            return true
        }

        override fun ended(failure: Exception) {
            waiting.decrementAndGet()
            if (state.compareAndSet(COMING, GIVEN_UP)) continuation.resumeWithException(failure)
        }
    }

    private companion object {
        const val CAPACITY = 1024L * 1024

        /** Of a frame's objects and what its segment has too much. */
        const val OVERHEAD = 256L

        const val COMING = 0
        const val BEGUN = 1
        const val GIVEN_UP = 2
    }
}
