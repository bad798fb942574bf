package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.BEGIN
import io.netpark.coroutines.parking.FRAMES_FIRST
import io.netpark.coroutines.parking.HandlerSensor
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.PARKED_TO_WRITE
import io.netpark.coroutines.parking.TURN_OVER
import io.netpark.coroutines.parking.UNFLUSHED
import io.netpark.coroutines.parking.toWrite
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job

/*
 * How the operations of a connection begin, wait and go on, whoever calls them: what a read or a write looks at before it asks core,
 * and what it charges afterwards.
 */

/** 16 KiB: so at most 2 MiB a turn. */
private const val OPERATION_SHIFT = 14

// Who is calling

/** Makes the handler that is calling the owner of this connection: it parks without allocating from now on. */
internal fun Connection.own(handler: CoroutineContext): HandlerSensor {
    ownerContext = handler
    owner = handler.job
    return HandlerSensor(handler.job) {
        reading.ownerCancelled()
        writing.ownerCancelled()
    }
}

/** The owner's job, if that is who is calling. */
internal fun Connection.ownerIn(context: CoroutineContext): Job? = if (context === ownerContext) owner else null

internal fun Connection.jobIn(context: CoroutineContext): Job? = ownerIn(context) ?: context[Job]

internal fun Connection.checkActive(context: CoroutineContext) {
    lease?.checkLent()
    jobIn(context)?.ensureActive()
}

internal fun Connection.beginRead(context: CoroutineContext) {
    checkActive(context)
    answering = false
}

internal fun Connection.beginWrite(context: CoroutineContext) {
    checkActive(context)
    checkOutput()
    answering = true
}

/** For an operation that holds the lock of its direction. */
internal fun Connection.checkActive(context: CoroutineContext, direction: Direction) {
    val job = jobIn(context)
    if (job != null && !job.isActive) {
        core.abandon(direction)
        job.ensureActive()
    }
}

/**
 * Whether so many operations in a row have found no reason to suspend that others on the same thread should have
 * their turn. Shared by reader and writer, and only roughly counted.
 */
internal fun Connection.isBudgetSpent(): Boolean {
    if (--budget > 0) return false
    budget = OPERATIONS_WITHOUT_YIELDING
    return true
}

/** A turn is bounded in bytes as well: a large read or write counts as several operations. */
internal fun Connection.chargeBudget(bytes: Long) {
    if (bytes > 0) budget -= (bytes ushr OPERATION_SHIFT).toInt()
}

// Reads

internal fun Connection.startRead(context: CoroutineContext, target: ByteBuffer): Int {
    beginRead(context)
    if (hasReturned) {
        val returned = readReturned(target)
        if (returned > 0) return returned
    }
    return core.startRead(target).also { chargeBudget(it.toLong()) }
}

internal fun Connection.retryRead(context: CoroutineContext, target: ByteBuffer): Int {
    checkActive(context, Direction.READ)
    return core.retryRead(target)
}

internal fun Connection.startRead(context: CoroutineContext, target: LinkBuffer): Int {
    beginRead(context)
    if (hasReturned) checkInput()
    return core.startRead(target).also { chargeBudget(it.toLong()) }
}

internal fun Connection.retryRead(context: CoroutineContext, target: LinkBuffer): Int {
    checkActive(context, Direction.READ)
    return core.retryRead(target)
}

internal suspend fun Connection.awaitReadable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    val job = ownerIn(coroutineContext)
    return if (job != null) reading.awaitAsOwner(job) else reading.await()
}

/** Not through [reader] only: what a copy has put back, or lost, comes before what is read from the socket. */
internal fun Connection.readReturned(target: ByteBuffer): Int {
    checkInput()
    hasReturned = unreadBytes() > 0
    return if (hasReturned && target.hasRemaining()) reader.take(target) else 0
}

internal fun Connection.unreadBytes(): Long = madeReader?.takeIf { lease?.isLent != false }?.available() ?: 0

internal fun Connection.checkInput() {
    brokenInput?.let { throw NetparkException.Closed("read from ${AddressText.of(remoteAddress)}: the input is broken, $it") }
}

// Writes

/** @param isWhole whether it breaks the output if it is cut off: then no frame is written before that is known */
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
    val state = if (madeFrames?.isHeldBy(source) == true) { // the rest of it
        toWrite(core.startWrite(source))
    } else {
        inTurn({ core.startWrite(source) }, { if (isWhole) holdFrames(source); core.retryWrite(source) })
    }
    chargeBudget(before - source.remaining().toLong())
    return state
}

internal fun Connection.retryWrite(context: CoroutineContext, source: ByteBuffer, isWhole: Boolean): Int {
    if (isWhole) holdFrames(source)
    checkActive(context, Direction.WRITE)
    return core.retryWrite(source)
}

internal fun Connection.startWrite(context: CoroutineContext, source: LinkBuffer): Int {
    beginWrite(context)
    val before = source.available()
    // What is left of an earlier flush goes before the frames that wait for it.
    val state = if (madeFrames?.isHeldBy(this) == true) {
        toWrite(holdingFrames { core.startWrite(source) })
    } else {
        inTurn({ core.startWrite(source) }, { holdingFrames { core.retryWrite(source) } })
    }
    chargeBudget(before - source.available())
    return state
}

internal fun Connection.retryWrite(context: CoroutineContext, source: LinkBuffer): Int {
    checkActive(context, Direction.WRITE)
    return holdingFrames { core.retryWrite(source) }
}

/** Starts a write. If there are frames, they lend it the lock, and it is [retried][retry]; or it is [FRAMES_FIRST], and then retried. */
internal inline fun Connection.inTurn(start: () -> Int, retry: () -> Int): Int {
    val frames = madeFrames ?: return toWrite(start())
    return if (frames.lendOutput()) toWrite(retry()) else FRAMES_FIRST
}

/** Nothing comes between the bytes of a flush, even if it is broken off and another goes on: all are the connection's one. */
internal inline fun Connection.holdingFrames(flush: () -> Int): Int {
    val frames = madeFrames ?: return flush()
    val held = frames.hold(this)
    try {
        val state = flush()
        if (state != Descriptor.PARK) frames.goOn(this)
        return state
    } catch (e: Throwable) {
        // Whatever has ended the stream, frames are to find out. A flush that met another write has not begun.
        if (if (e is NetparkException) e !is NetparkException.TimedOut else !held) frames.goOn(this)
        throw e
    }
}

/** Runs a write that breaks the output if it is cut off: that is found out before any frame is written behind it. */
internal inline fun Connection.wholly(write: Any, run: () -> Unit) {
    try {
        run()
    } finally {
        madeFrames?.goOn(write)
    }
}

internal fun Connection.holdFrames(write: Any) {
    madeFrames?.hold(write)
}

internal suspend fun Connection.awaitWritable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    val job = ownerIn(coroutineContext)
    return if (job != null) writing.awaitAsOwner(job) else writing.await()
}

/** How much the writer holds. */
internal fun Connection.unflushed(): Long = madeWriter?.buffered() ?: 0

/** How much the writer holds, and what waits to be sent by frames. */
internal fun Connection.unsent(): Long = unflushed() + (madeFrames?.promisedBytes ?: 0)

internal fun Connection.hasUnflushed(): Boolean = unflushed() > 0

/** Flushes what the writer holds, if the connection is open. */
internal suspend fun Connection.flushRest() {
    if (hasUnflushed() && isOpen) writer.flush()
}

internal fun Connection.requireFlushed(what: String) {
    check(!hasUnflushed()) { "$what ${AddressText.of(remoteAddress)}: flush the writer first, it holds ${unflushed()} bytes" }
}

internal fun Connection.requireSent(what: String) {
    requireFlushed(what)
    requireFramesSent(what) { it.isIdle }
}

internal inline fun Connection.requireFramesSent(what: String, areSent: (Frames) -> Boolean) {
    check(madeFrames?.let(areSent) != false) { "$what ${AddressText.of(remoteAddress)}: its frames are still being written" }
}

/** Flushes what the writer holds, and suspends until all frames have been written that were sent before: the last that is written. */
internal suspend fun Connection.finishOutput() {
    flushRest()
    if (isOpen) madeFrames?.finish()
}

internal fun Connection.breakOutput(why: String) {
    brokenOutput = why
    madeFrames?.breakOff(brokenOff(why))
}

internal fun Connection.brokenOff(why: String) = about(NetparkException.Closed("write to ${AddressText.of(remoteAddress)}: the output is broken, $why"))

internal fun Connection.takesNoFrames() =
    about(NetparkException.Closed("write a frame to ${AddressText.of(remoteAddress)}: its handler has ended, or it is being closed"))

/** What was reset stays reset, and what was closed (for being idle, say) closed: the operation says so. */
internal fun Connection.checkOutput() {
    val why = brokenOutput ?: return
    if (!core.isClosed && !core.isReset) throw brokenOff(why)
}

/** A frame is written by others than its caller, and so cannot flush first. */
internal fun Connection.beforeFrame() {
    lease?.checkLent()
    requireFlushed("write a frame to")
    checkOutput()
    answering = true
}

/** Whether a frame may be sent, for who does not want to be told why not. */
internal fun Connection.acceptsFrames(): Boolean = isOpen && !isOutputBroken

/** Something is being written that must not look complete if it is cut off. */
internal fun Connection.noteAnswer() {
    answering = true
}
