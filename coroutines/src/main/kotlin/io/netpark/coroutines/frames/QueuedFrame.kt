package io.netpark.coroutines.frames

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.frames.Frame
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CancellableContinuation

/** A frame that its writer waits for. */
internal class WrittenFrame(
    bytes: LinkBuffer,
    private val intake: FrameIntake,
    private val continuation: CancellableContinuation<Unit>,
) : Frame(bytes) {

    val cost = intake.costOf(bytes)

    /** Resumes the writer. That is ignored if the writer has been cancelled meanwhile. */
    override fun ended(failure: Exception?) {
        try {
            failure?.let { intake.failed(it) } // first: a thread that finds nothing on its way finds a broken output
        } finally {
            intake.end(cost)
            if (failure == null) continuation.resume(Unit) else continuation.resumeWithException(failure)
        }
    }
}

/** A frame that nobody waits for. */
internal class SentFrame(
    bytes: LinkBuffer,
    private val cost: Long,
    private val intake: FrameIntake,
    private val loop: EventLoop,
) : Frame(bytes) {

    override fun ended(failure: Exception?) {
        try {
            failure?.let { intake.failed(it) } // first: a thread that finds nothing on its way finds a broken output
        } finally {
            intake.endSent(cost)
        }
        if (failure != null) loop.countDropped(intake.bytesOf(cost))
    }
}
