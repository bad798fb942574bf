@file:JvmName("Seam")

package io.netpark.coroutines

import io.netpark.core.fd.Descriptor
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import kotlinx.coroutines.yield
import java.net.SocketAddress
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext

/*
 * The seam between this library and code that is compiled against it.
 *
 * The functions of the data path are inline: their loop becomes part of the caller's own state machine, so that neither a frame nor a
 * boxed count is allocated for a call. What is inlined stays as it was in code that is not compiled again, while the library
 * goes on. So it is the same loop for every function, and knows nothing:
 *
 *     outcome = step(BEGIN)
 *     while (outcome <= PAUSE) {
 *         pause(outcome)
 *         outcome = step(outcome)
 *     }
 *
 * A step does all that can be done without suspending, and returns the result, or a number that says what to wait for. `pause`
 * suspends for that, and the next step is told of it. What there is to wait for, and what a step does after it, is the
 * library's own affair, and a fix of it reaches code that is already compiled.
 *
 * Here is everything that such code calls besides public functions. SeamSpec knows it by heart: it may grow, and what is there stays.
 */

/** The first step of an operation. */
@PublishedApi
internal const val BEGIN: Int = 0

/** A step that returns this, or less, has not got its result: pause, and step again. */
@PublishedApi
internal const val PAUSE: Int = Descriptor.PARK

/** The operation is parked until the descriptor is readable. The first of what a step may ask for; as core says it. */
internal const val PARKED_TO_READ: Int = Descriptor.PARK

/** The operation is parked until the descriptor is writable. */
internal const val PARKED_TO_WRITE: Int = Descriptor.PARK - 1

/** So many operations have not had to wait that others should have their turn; this one has not begun. */
internal const val TURN_OVER: Int = Descriptor.PARK - 2

/** The writer holds bytes that go before; this operation has not begun. */
internal const val UNFLUSHED: Int = Descriptor.PARK - 3

/** Frames go before. After the pause the operation has the lock of the output, as if it had been parked to write. */
internal const val FRAMES_FIRST: Int = Descriptor.PARK - 4

/** What a step of a question answers. */
private const val NO = 0
private const val YES = 1

/** The loop that is inlined. */
@PublishedApi
internal suspend inline fun perform(step: (previous: Int, context: CoroutineContext) -> Int, pause: (outcome: Int) -> Unit): Int {
    var outcome = step(BEGIN, coroutineContext)
    while (outcome <= PAUSE) {
        pause(outcome)
        outcome = step(outcome, coroutineContext)
    }
    return outcome
}

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

/** Core has one number for both directions. */
internal fun toWrite(outcome: Int): Int = if (outcome == Descriptor.PARK) PARKED_TO_WRITE else outcome

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
        checkLimit(count.toLong())
    }
    var outcome = fillStep(previous, context)
    while (outcome >= 0) {
        if (available() >= count) return YES
        outcome = fillStep(BEGIN, context)
    }
    return if (outcome <= PAUSE) outcome else if (!isRest && available() == 0L) NO else throw truncated(count)
}

/** Whether more has come than was there. */
@PublishedApi
internal fun Reader.moreStep(previous: Int, context: CoroutineContext): Int {
    if (previous == BEGIN) checkLimit(available() + 1)
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
    try {
        write(buffer)
    } catch (e: Throwable) {
        val written = buffer.position() - offset
        if (written in 1 until length) connection.breakOutput("an earlier write ended after $written of $length bytes ($e)")
        throw e
    }
}

// Messages

@PublishedApi
internal suspend fun MessageSocket.pause(outcome: Int): Unit = when (outcome) {
    PARKED_TO_READ -> awaitReceivable()
    PARKED_TO_WRITE -> awaitSendable()
    else -> yield()
}

@PublishedApi
internal fun MessageSocket.receiveStep(previous: Int, context: CoroutineContext, target: ByteBuffer, envelope: Envelope?): Int =
    receiveStep(previous, context, { core.startReceive(target, envelope, null) }, { core.retryReceive(target, envelope, null) })

@PublishedApi
internal fun MessageSocket.receiveStep(previous: Int, context: CoroutineContext, batch: MessageBatch): Int =
    receiveStep(previous, context, { core.startReceive(batch) }, { core.retryReceive(batch) })

@PublishedApi
internal fun MessageSocket.sendStep(previous: Int, context: CoroutineContext, source: ByteBuffer, to: SocketAddress?): Int =
    sendStep(previous, context, { core.startSend(source, to) }, { core.retrySend(source, to) })

@PublishedApi
internal fun MessageSocket.sendStep(previous: Int, context: CoroutineContext, batch: MessageBatch): Int =
    sendStep(previous, context, { core.startSend(batch) }, { core.retrySend(batch) })
