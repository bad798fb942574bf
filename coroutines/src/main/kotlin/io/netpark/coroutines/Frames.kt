package io.netpark.coroutines

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.net.ConnectionDescriptor
import io.netpark.core.net.FrameQueue
import io.netpark.core.sys.NetparkException
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine

/**
 * Lets many coroutines write to one connection. A frame is whole: nothing comes between its bytes. Frames that have
 * gathered while an earlier one was on its way go out by one system call, and the others of the connection's loop have their turns
 * between.
 *
 * **Threads.** Any number of coroutines on any dispatchers. While it is in use nobody may write to the connection in another
 * way.
 *
 * @see Connection.frames
 */
public class Frames internal constructor(
    private val connection: Connection,
    core: ConnectionDescriptor,
    private val buffering: Buffering,
) {

    private val queue = FrameQueue(core, buffering.newOutput())
    private val waiting = AtomicInteger()

    /** Whether nothing is on its way. */
    internal val isIdle: Boolean get() = waiting.get() == 0

    /**
     * Writes a frame. Suspends until the kernel has taken all of it: the caller's turn may be long in coming if the peer is
     * slow, and so nobody collects more than one frame.
     *
     * **Cancelled**, the frame has been written whole, or will be, or not at all: never a part.
     *
     * @param build writes the frame's bytes; runs at once, in the caller. If it throws, nothing is written
     * @throws io.netpark.core.sys.NetparkException.LimitExceeded the frame, or all that wait, are over
     *   [Buffering.outputLimit] or the pool's limit. Nothing of it is written, and others can be
     * @throws io.netpark.core.sys.NetparkException the connection failed, or was closed. A part of the frame may have
     *   reached the peer, and nothing more can be written
     * @throws IllegalStateException something else was writing, or [Connection.writer] holds bytes: flush it first. Nothing of the
     *   frame is written, and others can be
     */
    public suspend fun write(build: BufferWriter.() -> Unit) {
        connection.beforeFrame()
        val bytes = LinkBuffer(buffering.pool, buffering.outputLimit)
        try {
            bytes.build()
        } catch (e: Throwable) {
            bytes.close()
            throw e
        }
        suspendCancellableCoroutine { continuation ->
            val frame = WaitingFrame(bytes, continuation)
            continuation.endedByFailure { submit(frame, bytes) }
            continuation.invokeOnCancellation { frame.withdraw() }
        }
    }

    /** Counted first, and then looked whether the connection is lent: who gives it back does that the other way round. */
    private fun submit(frame: WaitingFrame, bytes: LinkBuffer) {
        waiting.incrementAndGet()
        try {
            connection.beforeFrame()
            queue.submit(frame)
        } catch (e: Throwable) { // also an OutOfMemoryError: it has not been submitted
            waiting.decrementAndGet()
            bytes.close()
            throw e
        }
    }

    private inner class WaitingFrame(
        bytes: LinkBuffer,
        private val continuation: CancellableContinuation<Unit>,
    ) : FrameQueue.Frame(bytes) {

        /** Ignored if the coroutine has been cancelled meanwhile. */
        override fun ended(failure: Exception?) {
            waiting.decrementAndGet()
            // The connection lives, and a part of a frame may be in it: nothing else must come behind that, nor an end in order.
            if (failure is NetparkException.TimedOut && failure.timeout() == NetparkException.Timeout.WRITE) {
                connection.breakOutput("a frame was not written in time")
            }
            if (failure == null) continuation.resume(Unit) else continuation.resumeWithException(failure)
        }
    }
}
