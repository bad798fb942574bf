@file:JvmName("Seam")

package io.netpark.coroutines

import io.netpark.coroutines.parking.BEGIN
import io.netpark.coroutines.parking.FRAMES_FIRST
import io.netpark.coroutines.parking.PARKED_TO_READ
import io.netpark.coroutines.parking.PARKED_TO_WRITE
import io.netpark.coroutines.parking.PAUSE
import io.netpark.coroutines.parking.TURN_OVER
import io.netpark.coroutines.parking.UNFLUSHED
import io.netpark.coroutines.parking.perform
import io.netpark.coroutines.parking.toWrite
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.yield

/*
 * The seam between this package and code that is compiled against it: every function that an inlined loop (see parking/Seam.kt)
 * calls, besides public ones. SeamSpec lists them. The list may grow, and what is on it stays.
 */

/** What a step of a question answers. */
private const val NO = 0
private const val YES = 1

// Connections

@PublishedApi
internal suspend fun Connection.pause(outcome: Int): Unit = when (outcome) {
    PARKED_TO_READ -> awaitReadable()
    PARKED_TO_WRITE -> awaitWritable()
    UNFLUSHED -> flushRest()
    FRAMES_FIRST -> frames.awaitTurn()
    else -> yield()
}

@PublishedApi
internal fun Connection.readStep(previous: Int, context: CoroutineContext, target: ByteBuffer): Int = when {
    previous == PARKED_TO_READ -> retryRead(context, target)
    previous == BEGIN && isBudgetSpent() -> TURN_OVER
    else -> startRead(context, target)
}

@PublishedApi
internal fun Connection.writeStep(previous: Int, context: CoroutineContext, source: ByteBuffer): Int =
    writeStep(previous, context, source, isWhole = false)

/** Whether there is a request. */
@PublishedApi
internal fun Connection.requestStep(previous: Int, context: CoroutineContext): Int {
    val reader = reader
    if (previous == BEGIN && reader.available() > 0) return YES
    val count = reader.fillStep(previous, context)
    return when {
        count == PARKED_TO_READ && isNoneWanted(hasWaited = previous == PARKED_TO_READ) -> NO
        count <= PAUSE -> count
        else -> if (count > 0) YES else NO
    }
}

// Readers and writers

@PublishedApi
internal suspend fun Reader.pause(outcome: Int): Unit = connection.pause(outcome)

/** Whether [count] bytes are there; if the input [must not end before][isRest] they are, or it throws. */
@PublishedApi
internal fun Reader.awaitStep(previous: Int, context: CoroutineContext, count: Int, isRest: Boolean): Int {
    if (previous == BEGIN) {
        if (available() >= count) return YES
        awaited.requireWithinLimit(count.toLong())
    }
    var outcome = fillStep(previous, context)
    while (outcome >= 0) {
        if (available() >= count) return YES
        outcome = fillStep(BEGIN, context)
    }
    return if (outcome <= PAUSE) outcome else if (!isRest && available() == 0L) NO else throw awaited.endedBefore(count)
}

/** Whether more has come than was there. */
@PublishedApi
internal fun Reader.moreStep(previous: Int, context: CoroutineContext): Int {
    if (previous == BEGIN) awaited.requireWithinLimit(available() + 1)
    val count = fillStep(previous, context)
    return if (count <= PAUSE) count else if (count > 0) YES else NO
}

@PublishedApi
internal suspend fun Writer.pause(outcome: Int): Unit = connection.pause(outcome)

/** @param fromMark only if there is more than the high-water mark in it */
@PublishedApi
internal fun Writer.flushStep(previous: Int, context: CoroutineContext, fromMark: Boolean): Int {
    if (previous == BEGIN && fromMark && !isFull()) return 0
    return toWrite(
        when {
            previous == PARKED_TO_WRITE || previous == FRAMES_FIRST -> retryFlush(context)
            isFlushed() -> 0
            previous == BEGIN && connection.isBudgetSpent() -> TURN_OVER
            else -> startFlush(context)
        },
    )
}

/** Flushes if there is more than the high-water mark, and puts as much as that of [source], until there is nothing left of it. */
@PublishedApi
internal fun Writer.writeStep(previous: Int, context: CoroutineContext, source: ByteBuffer): Int {
    var before = previous
    do {
        val outcome = flushStep(before, context, fromMark = true)
        if (outcome <= PAUSE) return outcome
        before = BEGIN
    } while (putPart(source))
    return 0
}

/** Whether it is more than should be put at once. */
@PublishedApi
internal fun Writer.isMuch(bytes: Int): Boolean = bytes > highWaterMark

@PublishedApi
internal suspend fun Writer.writeMuch(source: ByteArray, offset: Int, length: Int) {
    val buffer = ByteBuffer.wrap(source, offset, length)
    connection.breakingIfCutOff(buffer, offset, length) { write(buffer) }
}
