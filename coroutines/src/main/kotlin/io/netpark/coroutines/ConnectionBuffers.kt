package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer

/*
 * The reader, the writer and the frames of a connection. Each is made when it is first asked for, and ends with the connection's
 * handler, lease, or close.
 */

internal fun Connection.makeReader(): Reader = newReader(buffering.newInput()).also {
    madeReader = it
    if (buffersEnded) it.owned.end() // endBuffers sets this first and looks for a reader then; here it is the other way round
}

/** A reader and a writer share their memory: what the other one holds counts when one of them wants more and there is none. */
internal fun Connection.newReader(input: LinkBuffer): Reader {
    madeWriter?.let { input.beside(it.buffer) }
    return Reader(this, OwnedBuffer(core, input), input, buffering.inputLimit)
}

internal fun Connection.makeWriter(): Writer = newWriter(buffering.newOutput()).also {
    madeWriter = it
    if (buffersEnded) it.owned.end()
}

private fun Connection.newWriter(output: LinkBuffer): Writer {
    madeReader?.buffer?.beside(output)
    return Writer(this, OwnedBuffer(core, output), output, buffering.effectiveMark)
}

/** Any thread may be the first to ask for frames. */
internal fun Connection.makeFrames(): Frames =
    synchronized(core) { madeFrames ?: Frames(this, core, buffering).also { madeFrames = it } }

/** Gives back what reader and writer hold. Whoever uses them from now on finds nothing. */
internal fun Connection.endBuffers() {
    buffersEnded = true
    madeReader?.owned?.end()
    madeWriter?.run { loop.countDropped(owned.end()) }
}

/** Gives back what reader and writer hold. Whoever uses them from now on is told [why] not. */
internal fun Connection.refuseBuffers(why: String) {
    buffersEnded = true
    madeReader?.owned?.refuse(why)
    madeWriter?.run { loop.countDropped(owned.refuse(why)) }
}
