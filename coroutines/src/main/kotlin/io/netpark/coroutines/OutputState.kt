package io.netpark.coroutines

import io.netpark.core.fd.Attendant
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer

/*
 * What the output of a connection still has to send, and whether it can: an output that was cut off within something is broken.
 */

/** How many bytes the writer holds. */
internal fun Connection.unflushed(): Long = madeWriter?.buffered() ?: 0

/** How many bytes the writer holds, and frames that nobody waits for. */
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

/** Flushes what the writer holds, and suspends until all frames have been written. They are the last. */
internal suspend fun Connection.finishOutput() {
    flushRest()
    if (isOpen) madeFrames?.finish()
    if (isOpen && !isOutputBroken && core.unsent() > 0) write(NOTHING) // of a write that was broken off, in records
}

/** Writing it waits until records have been sent that are here still. */
private val NOTHING: ByteBuffer = ByteBuffer.allocate(0)

/** Something else than a flush may have sent what an earlier flush had left. Frames wait for that no more. */
internal fun Connection.restSent() {
    if ((madeWriter?.buffer?.available() ?: 0) == 0L) core.goOn(this)
}

/**
 * Whether an end now would cut something off, so that it must not look like the end of the whole. The order matters: a write, or a frame,
 * that breaks the output says so before it is over.
 */
internal fun Connection.isCutOffByEnd(): Boolean = unsent() > 0 || core.isHeld || core.isCutOffByEnd || isOutputBroken

// An output that is broken

/** Whether an earlier write has ended within something. Nothing can be written any more. */
internal val Connection.isOutputBroken: Boolean get() = brokenOutput != null || core.isOutputCutOff

/** Nothing can be written any more, and frames that wait fail. */
internal fun Connection.breakOutput(why: String) {
    brokenOutput = why
    madeFrames?.breakOff(brokenOff(why))
}

internal fun Connection.brokenOff(why: String) = about(NetparkException.Closed("write to ${AddressText.of(remoteAddress)}: the output is broken, $why"))

/** Fails if the output is broken. A connection that was reset or closed since lets the operation say so itself. */
internal fun Connection.checkOutput() {
    val why = brokenOutput ?: if (core.isOutputCutOff) "an earlier write ended in the midst of its bytes" else return
    if (!core.isClosed && !core.isReset) throw brokenOff(why)
}

// Frames

/** Fails if no frame may be written. A frame is not written by its caller, so it cannot flush the writer first. */
internal fun Connection.beforeFrame() {
    lease?.checkLent()
    requireFlushed("write a frame to")
    checkOutput()
    answering = true
}

internal fun Connection.takesNoFrames() =
    about(NetparkException.Closed("write a frame to ${AddressText.of(remoteAddress)}: its handler has ended, or it is being closed"))

/** Whether a frame may be sent. */
internal fun Connection.acceptsFrames(): Boolean = isOpen && !isOutputBroken

/** Something is being written. It must not look complete if it is cut off. */
internal fun Connection.noteAnswer() {
    answering = true
}

// For somebody who looks

/** What core does not know of a connection. */
internal class ConnectionAttendant(private val connection: Connection) : Attendant {

    override fun pendingOutput(): Long = connection.unsent()

    override fun handler(): String? = connection.handlers?.handlerName
}
