package io.netpark.coroutines

import io.netpark.core.fd.Direction
import kotlin.time.Duration.Companion.seconds

/*
 * How a connection comes to its end with the handler that it has, or with the lease that it is borrowed by; what becomes of its bytes.
 */

/** Of a connection that nobody has asked anything of. */
private val IDLE_LINGERS = 5.seconds

// With its handler

/**
 * For a read that is parked: whether no request is wanted any more. That it has may have been a guess, after a short
 * read, or for want of memory: so the kernel is asked. If there is nothing, the read is given up.
 *
 * @param hasWaited for this request, and since before none was wanted
 */
internal fun Connection.isNoneWanted(hasWaited: Boolean): Boolean {
    if (handlers?.wantsNoRequests != true) return false
    try {
        if (core.peekInput() != 0) return false // to be read
    } catch (e: Throwable) {
        core.abandon(Direction.READ)
        throw e
    }
    core.abandon(Direction.READ)
    if (!isToldNone) {
        isToldNone = true
        endedIdle = hasWaited
    }
    return true
}

/** A read that is parked tries again; otherwise the next one does. From any thread. */
internal fun Connection.lookAgain(): Unit = core.nudge(Direction.READ)

/**
 * What a handler leaves behind: if [handle] returns, its output is finished. If that fails, or it throws, what is unsent is dropped, and
 * [failed] is told how many bytes that were. To be closed by [closeWithBuffers].
 */
internal suspend inline fun Connection.endedBy(handle: () -> Unit, failed: (failure: Throwable, dropped: Long) -> Unit) {
    try {
        handle()
        if (!isOutputBroken) finishOutput()
        if (isOutputBroken) breakOff() // or by now: by a frame that was not written in time
    } catch (e: Throwable) {
        failed(e, breakOff())
    }
}

/**
 * The handler has failed or was cancelled: what it has not flushed is dropped, and what it may have cut off does not look
 * complete to the peer. To be closed by [closeWithBuffers].
 *
 * @return how many bytes are dropped
 */
internal fun Connection.breakOff(): Long {
    val unsent = unsent()
    if (unsent > 0 || answering || isOutputBroken) core.reset()
    return unsent
}

/** Closes it under the hands of a handler, from any thread; its buffers are given back when that has ended. */
internal fun Connection.cutOff() {
    if (answering || isOutputBroken || unsent() > 0) core.reset() else core.close()
}

/** Closes when the handler, with its children, is done with reader and writer. */
internal fun Connection.closeWithBuffers() {
    // An answer may still be on its way, and a request that comes now must not reset it.
    if (isToldNone) core.closeLingering(Long.MAX_VALUE, IDLE_LINGERS.inWholeNanoseconds)
    core.close()
    endBuffers()
}

// With its lease

/** Whether nothing of an exchange is left: for the next borrower of a pool. */
internal fun Connection.isClean(): Boolean = brokenOutput == null && !core.isInUse && watching == 0 &&
    (madeReader?.available() ?: 0) == 0L && (madeWriter?.buffered() ?: 0) == 0L &&
    madeFrames?.isIdle != false

/** A pool closes it, and it was left in the midst of something that must not look complete to the peer. */
internal fun Connection.resetIfCutOff() {
    if (unsent() > 0 || isOutputBroken) core.reset()
}
