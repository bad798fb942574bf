package io.netpark.coroutines.frames

import io.netpark.core.fd.Direction
import io.netpark.core.net.frames.FrameQueue
import io.netpark.core.net.frames.FrameTurn
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.coroutines.parking.endedByFailure
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine

/** The turn of a write that is no frame: it waits in the queue of the frames for the lock of the output. */
internal class OutputTurn(
    private val queue: FrameQueue,
    private val intake: FrameIntake,
    private val core: ConnectionDescriptor,
) : FrameTurn() {

    /**
     * ```text
     * COMING --its turn has come--> BEGUN: the coroutine has the lock of the output, as one whose write was parked
     *        --cancelled----------> GIVEN_UP
     * ```
     */
    private val state = AtomicInteger(COMING)
    private lateinit var continuation: CancellableContinuation<Unit>

    /** Suspends until the turn has come. Cancelled, the lock is free or belongs to another write. */
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
        intake.beginTurn()
        try {
            queue.submit(this)
        } catch (e: Throwable) { // an OutOfMemoryError
            intake.endTurn()
            throw e
        }
    }

    override fun begin(): Boolean {
        intake.endTurn()
        if (!state.compareAndSet(COMING, BEGUN)) return false
        continuation.resume(Unit)
        return true
    }

    override fun ended(failure: Exception) {
        intake.endTurn()
        if (state.compareAndSet(COMING, GIVEN_UP)) continuation.resumeWithException(failure)
    }

    private companion object {
        const val COMING = 0
        const val BEGUN = 1
        const val GIVEN_UP = 2
    }
}
