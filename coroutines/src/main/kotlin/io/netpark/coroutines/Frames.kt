package io.netpark.coroutines

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Direction
import io.netpark.core.net.frames.FrameQueue
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.frames.FrameIntake
import io.netpark.coroutines.frames.OutputTurn
import io.netpark.coroutines.frames.SentFrame
import io.netpark.coroutines.frames.WrittenFrame
import io.netpark.coroutines.parking.endedByFailure
import kotlinx.coroutines.suspendCancellableCoroutine

/**
 * Lets many coroutines write to one connection. A frame is whole: nothing comes between its bytes. Frames that have
 * gathered while an earlier one was on its way go out by one system call. The other connections of the loop have their turns
 * between.
 *
 * [write] suspends until the kernel has the frame. [trySend] never suspends: it leaves the frame here, up to [capacity], and says
 * false when the peer is too slow. Frames go out in the order in which they were written and sent, by whichever function.
 *
 * **Other writes** to the connection ([Connection.write], [Writer.flush],
 * [sendFile][io.netpark.coroutines.transfer.sendFile]) take turns with frames. A write that is called while frames wait suspends until
 * those are written, and frames wait until the write has ended. A flush that was cancelled or timed out holds frames up until another
 * flush has sent the rest. A connection that is the target of [copyTo][io.netpark.coroutines.transfer.copyTo] must not be sent frames
 * meanwhile.
 *
 * **The end.** A handler that returns normally has its frames written, as it has its writer flushed. Meanwhile [trySend]
 * refuses, and [write] fails with [NetparkException.Closed]. When the connection is closed, or its handler fails, frames that wait
 * are dropped: [write] fails. If a frame of [trySend] is dropped, the connection ends with a reset, as nobody else is told.
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
    private val intake = FrameIntake(buffering.outputLimit) { connection.breakOutput(it) }

    /**
     * How many bytes of frames may wait for the peer before [trySend] refuses, 1 MiB unless set: as many as are worth keeping for a peer
     * that is behind. Each frame counts 256 bytes more than it has, for the memory of its objects. Frames of [write] count as
     * well, and are not refused. A frame is never refused for its size alone while no other waits.
     *
     * @throws IllegalArgumentException the capacity is set to zero or less
     */
    public var capacity: Long
        get() = intake.capacity
        set(bytes) {
            require(bytes > 0) { "the capacity for frames must be positive: $bytes" }
            intake.capacity = bytes
        }

    /** How many bytes wait for the peer, as [capacity] counts them. The number changes at any time. */
    public val waitingBytes: Long get() = intake.waitingBytes

    /** How many bytes wait that [trySend] has accepted. Their sender is not told when they are dropped. */
    internal val promisedBytes: Long get() = intake.promisedBytes

    /** Whether nothing is on its way. */
    internal val isIdle: Boolean get() = intake.isIdle

    /**
     * Writes a frame. Suspends until the kernel has taken all of it. If the peer is slow, the frame's turn may be long in coming, so
     * a caller never has more than one frame waiting.
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
            val frame = WrittenFrame(bytes, intake, continuation)
            continuation.endedByFailure { submit(frame, bytes) }
            continuation.invokeOnCancellation { frame.withdraw() }
        }
    }

    /**
     * Sends a frame if there is room for it, and never suspends. This is for a broadcaster, which must not wait for its slowest peer.
     *
     * ```
     * for (member in members) {
     *     if (!member.connection.frames.trySend { link(news.duplicate()) }) drop(member)
     * }
     * ```
     *
     * It may be called with locks held: no other coroutine runs within it. The frame is written after everything that was
     * submitted before, and behind what is being written or flushed in another way. Nobody is told when the frame is written, or that it
     * was dropped because the connection has failed meanwhile. From then on this returns false, and [Connection.read] says why.
     *
     * @param build puts the frame's bytes; runs at once, in the caller, or not at all. If it throws, nothing is sent. A large frame for
     *   many peers is better linked than put: all share its memory then
     * @return true if the frame will be written, unless the connection ends before; false if it will not: frames for as much as
     *   [capacity] wait, or the connection is closed, its output broken or shut down, or its handler has ended
     * @throws io.netpark.core.sys.NetparkException.LimitExceeded the frame is over [Buffering.outputLimit], or the pool's limit
     */
    public fun trySend(build: BufferWriter.() -> Unit): Boolean {
        if (!accepts() || intake.waitingBytes > intake.capacity) return false
        val bytes = built(build)
        val cost = intake.costOf(bytes)
        if (!intake.admit(cost)) {
            bytes.close()
            return false
        }
        val isBusy = intake.beginSent(cost)
        try {
            if (isBusy) bytes.trim() // it may have to stay for a while
            if (accepts()) {
                connection.noteAnswer()
                queue.submit(SentFrame(bytes, cost, intake, core.loop()))
                return true
            }
            takeBack(bytes, cost)
            return false
        } catch (e: Throwable) { // an OutOfMemoryError: the frame has not been submitted
            takeBack(bytes, cost)
            throw e
        }
    }

    private fun takeBack(bytes: LinkBuffer, cost: Long) {
        intake.endSent(cost)
        bytes.close()
    }

    private fun beforeFrame() {
        connection.beforeFrame()
        if (intake.isFinishing) throw connection.takesNoFrames()
    }

    private fun accepts(): Boolean = !intake.isEnded && !intake.isFinishing && connection.acceptsFrames()

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

    /** Counts the frame first, and looks then whether the connection is lent. Giving back a lease does that the other way round. */
    private fun submit(frame: WrittenFrame, bytes: LinkBuffer) {
        intake.begin(frame.cost)
        try {
            beforeFrame()
            queue.submit(frame)
        } catch (e: Throwable) { // also an OutOfMemoryError: the frame has not been submitted
            intake.end(frame.cost)
            bytes.close()
            throw e
        }
    }

    // Other writes

    /** Gives another write the lock of the output, as if it had been parked; false if it has to [wait for its turn][awaitTurn]. */
    internal fun lendOutput(): Boolean {
        if (!isIdle || core.isHeld || !core.reserve(Direction.WRITE)) return false
        if (!core.isHeld && !connection.isOutputBroken) return true
        core.abandon(Direction.WRITE) // between the two looks another write has begun, and was broken off
        return false
    }

    /** Suspends until the caller's turn to write has come. Then the caller has the lock of the output. Cancelled, it has not. */
    internal suspend fun awaitTurn(): Unit = OutputTurn(queue, intake, core).await()

    // The end

    /** Refuses frames from now on, and suspends until all that wait have been written. Cancelled, it refuses nothing any more. */
    internal suspend fun finish() {
        intake.isFinishing = true
        try {
            while (!isIdle) {
                awaitTurn()
                core.abandon(Direction.WRITE)
            }
        } catch (e: Throwable) {
            intake.isFinishing = false
            throw e
        }
    }

    /**
     * Refuses frames from now on, if nothing is on its way.
     *
     * @return false if something is on its way. Then nothing is refused that was not refused before
     */
    internal fun endIfIdle(): Boolean {
        val wasEnded = intake.isEnded
        intake.isEnded = true
        val wasIdle = isIdle
        if (!wasIdle) intake.isEnded = wasEnded
        return wasIdle
    }

    /** Fails all frames: nothing must be written behind something that was cut off. */
    internal fun breakOff(why: NetparkException) {
        intake.isEnded = true
        queue.breakOff(why)
    }
}
