package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.BEGIN
import io.netpark.coroutines.parking.FRAMES_FIRST
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.PARKED_TO_WRITE
import io.netpark.coroutines.parking.PAUSE
import io.netpark.coroutines.parking.TURN_OVER
import io.netpark.coroutines.parking.UNFLUSHED
import io.netpark.coroutines.parking.toWrite
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.yield

/*
 * How a connection writes. A write that needs no inlining is `runWrite`; the others are taken apart into steps, for Seam.kt.
 */

/**
 * Runs a write, after the bytes that the writer holds: begins it, parks it as often as it has to wait, and ends it.
 *
 * @param start asks core for the first time
 * @param retry asks core again, after the write was parked or has waited for frames
 * @param written how many bytes have been written so far, to be charged to the caller's turn
 * @param beforePause called with what the write is about to wait for
 */
internal suspend inline fun Connection.runWrite(
    start: () -> Int,
    retry: () -> Int,
    written: () -> Long = { 0 },
    beforePause: (outcome: Int) -> Unit = {},
) {
    if (isBudgetSpent()) yield()
    if (hasUnflushed()) flushRest()
    beginWrite(coroutineContext)
    var outcome = inTurn(start, retry)
    chargeBudget(written())
    while (outcome <= PAUSE) {
        beforePause(outcome)
        pause(outcome)
        checkActive(coroutineContext, Direction.WRITE)
        outcome = toWrite(retry())
    }
}

/**
 * Runs a write of an array through [buffer], and breaks the output if a part of the array has been written and the rest has not. By then
 * core has cut the output off, if it was told that this is to be whole.
 */
internal inline fun Connection.breakingIfCutOff(buffer: ByteBuffer, offset: Int, length: Int, write: () -> Unit) {
    try {
        write()
    } catch (e: Throwable) {
        val written = buffer.position() - offset
        if (written in 1 until length) breakOutput("an earlier write ended after $written of $length bytes ($e)")
        throw e
    }
}

/** @param isWhole whether the write breaks the output if it is cut off */
internal fun Connection.writeStep(previous: Int, context: CoroutineContext, source: ByteBuffer, isWhole: Boolean): Int = toWrite(
    when {
        previous == PARKED_TO_WRITE || previous == FRAMES_FIRST -> retryWrite(context, source, isWhole)
        previous == BEGIN && isBudgetSpent() -> TURN_OVER
        previous != UNFLUSHED && hasUnflushed() -> UNFLUSHED
        else -> startWrite(context, source, isWhole)
    },
)

internal fun Connection.startWrite(context: CoroutineContext, source: ByteBuffer, isWhole: Boolean): Int {
    beginWrite(context)
    val before = source.remaining()
    val state = if (core.isHeldBy(source)) { // the rest of it
        toWrite(core.startWrite(source))
    } else {
        inTurn(
            { if (isWhole) core.startWhole(source) else core.startWrite(source) },
            { if (isWhole) core.retryWhole(source) else core.retryWrite(source) },
        )
    }
    chargeBudget(before - source.remaining().toLong())
    return state
}

internal fun Connection.retryWrite(context: CoroutineContext, source: ByteBuffer, isWhole: Boolean): Int {
    checkActive(context, Direction.WRITE)
    return if (isWhole) core.retryWhole(source) else core.retryWrite(source)
}

internal fun Connection.startWrite(context: CoroutineContext, source: LinkBuffer): Int {
    beginWrite(context)
    val before = source.available()
    // What is left of an earlier flush goes before the frames that wait for it.
    val state = if (core.isHeldBy(this)) {
        toWrite(holdingFrames(source) { core.startWrite(source) })
    } else {
        inTurn({ holdingFrames(source) { core.startWrite(source) } }, { holdingFrames(source) { core.retryWrite(source) } })
    }
    chargeBudget(before - source.available())
    return state
}

internal fun Connection.retryWrite(context: CoroutineContext, source: LinkBuffer): Int {
    checkActive(context, Direction.WRITE)
    return holdingFrames(source) { core.retryWrite(source) }
}

/** Suspends until there is reason to retry a write. */
internal suspend fun Connection.awaitWritable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    val job = ownerIn(coroutineContext)
    return if (job != null) writing.awaitAsOwner(job) else writing.await()
}

// What is waited for as if it were a write

/** Suspends until the TLS handshake is over; without TLS there is nothing to wait for. Cancelled, the handshake goes on. */
internal suspend fun Connection.awaitHandshake() {
    checkActive(coroutineContext)
    var outcome = inTurn({ core.startHandshake() }, { core.retryHandshake() })
    while (outcome <= PAUSE) {
        pause(outcome)
        checkActive(coroutineContext, Direction.WRITE)
        outcome = toWrite(core.retryHandshake())
    }
}

// Turns with frames

/**
 * Starts a write. If the connection has frames, they lend the write their lock, and it begins with [retry]; or they go first, and this
 * returns [FRAMES_FIRST].
 */
internal inline fun Connection.inTurn(start: () -> Int, retry: () -> Int): Int {
    val frames = madeFrames
    if (frames == null) {
        return try {
            toWrite(start())
        } catch (e: IllegalStateException) { // another write is going on: that of the first frame, perhaps
            if (madeFrames == null) throw e
            FRAMES_FIRST
        }
    }
    return if (frames.lendOutput()) toWrite(retry()) else FRAMES_FIRST
}

/**
 * Runs a flush of [source]. No frame comes between the bytes of a flush, even if it is broken off and another flush sends the rest. With
 * TLS there may be no rest though the flush has to wait: records that are made keep their order by themselves.
 */
internal inline fun Connection.holdingFrames(source: LinkBuffer, flush: () -> Int): Int {
    val before = source.available()
    val held = if (madeFrames != null) core.hold(this) else core.isHeldBy(this)
    try {
        val state = flush()
        // A flush that is parked has the lock still. Frames may be made meanwhile.
        if (state == Descriptor.PARK && source.available() > 0) core.hold(this) else core.goOn(this)
        return state
    } catch (e: Throwable) {
        // Frames are to find out what has ended the stream. A flush that met another write has not begun.
        val left = source.available()
        val hasRest = left > 0 && if (e is NetparkException) e is NetparkException.TimedOut else held || left < before
        if (!hasRest) core.goOn(this) else if (left < before) core.hold(this)
        throw e
    }
}

/** Runs a write of several parts, the first of which makes frames wait until all of it has ended. */
internal inline fun Connection.holding(write: Any, run: () -> Unit) {
    try {
        run()
    } finally {
        core.goOn(write)
    }
}
