package io.netpark.coroutines

import io.netpark.core.fd.Direction
import kotlin.time.Duration.Companion.seconds

/*
 * How a connection comes to its end with its handler, or with its lease, and what becomes of its bytes.
 */

/** How long a connection lingers whose handler has been told that no request is wanted. */
private val IDLE_LINGERS = 5.seconds

// With its handler

/**
 * For a read that is parked: whether no request is wanted any more. The read may have parked on a guess, after a short read, or for want
 * of memory. So this asks the kernel. If nothing has come, the read is given up.
 *
 * @param hasWaited whether the read has waited for this request since before none was wanted
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

/** Has the read that is parked, or else the next one, try again. Any thread may call it. */
internal fun Connection.lookAgain(): Unit = core.nudge(Direction.READ)

/**
 * Runs a handler and ends its output. If [handle] returns, the output is finished. If that fails, or [handle] throws, what is unsent is
 * dropped, and [failed] is told how many bytes that were. [closeWithBuffers] is to close the connection then.
 */
internal suspend inline fun Connection.endedBy(handle: () -> Unit, failed: (failure: Throwable, dropped: Long) -> Unit) {
    try {
        handle()
        if (!isOutputBroken) finishOutput()
        if (isOutputBroken) breakOff() // perhaps since just now, by a frame that was not written in time
    } catch (e: Throwable) {
        failed(e, breakOff())
    }
}

/**
 * Drops what a handler that has failed, or was cancelled, has not flushed. What it may have cut off does not look complete to the peer.
 * [closeWithBuffers] is to close the connection then.
 *
 * @return how many bytes are dropped
 */
internal fun Connection.breakOff(): Long {
    val unsent = unsent()
    if (unsent > 0 || answering || isCutOffByEnd()) core.reset()
    return unsent
}

/** Closes the connection while its handler runs, from any thread. The buffers are given back when the handler has ended. */
internal fun Connection.cutOff() {
    if (answering || isCutOffByEnd()) core.reset() else core.close()
}

/** Closes the connection when the handler, with its children, is done with reader and writer. */
internal fun Connection.closeWithBuffers() {
    // An answer may still be on its way, and a request that comes now must not reset the connection.
    if (isToldNone) core.closeLingering(Long.MAX_VALUE, IDLE_LINGERS.inWholeNanoseconds)
    core.close()
    endBuffers()
}

// With its lease

/**
 * Whether nothing of an exchange is left, so that a pool may lend the connection again. The order matters, as for [isCutOffByEnd]: what is
 * going on is looked at first, and whether that has broken the output last.
 */
internal fun Connection.isClean(): Boolean = !core.isInUse && !core.isHeld && watching == 0 && madeFrames?.isIdle != false &&
    (madeReader?.available() ?: 0) == 0L && (madeWriter?.buffered() ?: 0) == 0L && !core.isCutOffByEnd && !isOutputBroken

/** Before a pool closes the connection: what was left unfinished must not look complete to the peer. */
internal fun Connection.resetIfCutOff() {
    if (isCutOffByEnd()) core.reset()
}
