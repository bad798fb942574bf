package io.netpark.coroutines

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.perform
import java.nio.ByteBuffer
import java.nio.charset.Charset
import kotlin.coroutines.CoroutineContext

/**
 * Builds the output of a connection in pooled segments, and sends it by [flush]:
 *
 * ```
 * writer.putInt(payload.size)
 * writer.put(payload)
 * writer.flush()
 * ```
 *
 * Functions named `put…`, `link`, `append`, `reserve` and `commit` only collect, and never suspend. They fail at
 * [Buffering.outputLimit]. Functions named `write…` collect as well, and flush first if more than [Buffering.highWaterMark] has
 * been collected. They are for much output, of which little is kept here. With them a flush is needed only before waiting for the peer,
 * and at the end:
 *
 * ```
 * for (number in numbers) writer.writeLong(number)
 * writer.flush()
 * ```
 *
 * **Cancelled**, timed out or failed in the flush that comes first, a `write…` function has collected nothing of what it was given,
 * and what has not been sent stays in the writer. (Bytes that are more than the high-water mark by themselves go in parts. Their
 * functions say so.)
 *
 * **Threads.** One coroutine at a time may use a writer, and not while another writes to the connection in another way.
 * [Connection.frames] is for many coroutines.
 *
 * @see Connection.writer
 */
public class Writer internal constructor(
    internal val connection: Connection,
    internal val owned: OwnedBuffer,
    /** What [owned] holds, for questions that are no use of it. */
    internal val buffer: LinkBuffer,
    /** With more bytes than this, the `write…` functions flush first. [Buffering.outputLimit] has room for twice as many. */
    public val highWaterMark: Int,
) : BufferWriter by owned.writer() {

    /**
     * Sends everything that has been collected, by as few system calls as possible. Suspends while the peer, or the network, does not
     * take more.
     *
     * **Cancelled**, timed out or failed, it leaves in the writer what has not been sent. A later flush goes on exactly where
     * this one ended.
     *
     * @throws NetparkException as [Connection.write]
     * @throws IllegalStateException another coroutine is writing
     */
    // Inline: see Seam.kt.
    public suspend inline fun flush() {
        perform({ previous, context -> flushStep(previous, context, fromMark = false) }, { pause(it) })
    }

    /**
     * Flushes if more than [Buffering.highWaterMark] has been collected, as every `write…` function does. It is for code that puts, links
     * or appends much.
     *
     * **Cancelled**, as [flush].
     */
    public suspend inline fun flushIfFull() {
        perform({ previous, context -> flushStep(previous, context, fromMark = true) }, { pause(it) })
    }

    // Collecting, after a flush that is due. Inline, as flush is: where no flush is due, these cost no more than put.

    /**
     * Writes a byte, the lowest of the int. Suspends to flush first, if that is due.
     *
     * **Cancelled**, it has collected nothing.
     *
     * @throws NetparkException as [flush]
     */
    public suspend inline fun writeByte(value: Int) {
        flushIfFull()
        putByte(value)
    }

    /** Writes two bytes, the lowest of the int; otherwise as [writeByte]. */
    public suspend inline fun writeShort(value: Int) {
        flushIfFull()
        putShort(value)
    }

    /** As [writeShort], the least byte first. */
    public suspend inline fun writeShortLe(value: Int) {
        flushIfFull()
        putShortLe(value)
    }

    /** Writes four bytes; otherwise as [writeByte]. */
    public suspend inline fun writeInt(value: Int) {
        flushIfFull()
        putInt(value)
    }

    /** As [writeInt], the least byte first. */
    public suspend inline fun writeIntLe(value: Int) {
        flushIfFull()
        putIntLe(value)
    }

    /** Writes eight bytes; otherwise as [writeByte]. */
    public suspend inline fun writeLong(value: Long) {
        flushIfFull()
        putLong(value)
    }

    /** As [writeLong], the least byte first. */
    public suspend inline fun writeLongLe(value: Long) {
        flushIfFull()
        putLongLe(value)
    }

    /**
     * Writes text. A lone surrogate, and a character that [charset] does not have, is replaced as [BufferWriter.putString] says.
     *
     * **Cancelled**, it has collected nothing.
     *
     * @throws NetparkException.LimitExceeded the text has more bytes than [Buffering.outputLimit] leaves room for
     * @throws NetparkException as [flush]
     */
    public suspend inline fun writeString(text: CharSequence, charset: Charset = Charsets.UTF_8) {
        flushIfFull()
        putString(text, charset)
    }

    /**
     * Writes all of [source], in parts of [Buffering.highWaterMark] if it has more. So the writer never holds more than twice that.
     *
     * **Cancelled**, timed out or failed, the position of [source] says how much has been collected or sent.
     *
     * @throws NetparkException as [flush]
     */
    public suspend inline fun write(source: ByteBuffer) {
        perform({ previous, context -> writeStep(previous, context, source) }, { pause(it) })
    }

    /**
     * Writes a part of an array, in parts of [Buffering.highWaterMark] if it has more.
     *
     * **Cancelled**, timed out or failed, it has collected nothing of an array that fits the mark. With a longer array it **breaks the
     * output** if a part has been collected or sent, as [Connection.write] of an array does: nobody could tell how far it got.
     *
     * @throws NetparkException as [flush]
     */
    public suspend inline fun write(source: ByteArray, offset: Int = 0, length: Int = source.size - offset) {
        if (isMuch(length)) return writeMuch(source, offset, length)
        flushIfFull()
        put(source, offset, length)
    }

    /** Puts as much of [source] as the high-water mark. Returns whether a rest is left. */
    internal fun putPart(source: ByteBuffer): Boolean {
        val limit = source.limit()
        source.limit(source.position() + minOf(source.remaining(), highWaterMark))
        try {
            put(source)
        } finally {
            source.limit(limit)
        }
        return source.hasRemaining()
    }

    // Without a copy

    /** Moves all unread bytes of [source] here, without a copy. */
    public fun append(source: Reader): Unit = moving(source, 0) { from, to -> to.append(from) }

    /**
     * Moves the next [count] unread bytes of [source] here. They share the segments of [source], and only small parts are copied.
     *
     * @throws IndexOutOfBoundsException [source] has fewer unread bytes
     */
    public fun append(source: Reader, count: Long): Unit = moving(source, count) { from, to -> to.append(from, count) }

    // How it is done

    /** Whether nothing is left to send. Bytes that were dropped when the connection was closed have not been sent: a flush says so. */
    internal fun isFlushed(): Boolean = buffered() == 0L && !owned.hasDropped()

    internal fun isFull(): Boolean = buffered() > highWaterMark

    internal fun startFlush(context: CoroutineContext): Int = flushing { connection.startWrite(context, it) }

    internal fun retryFlush(context: CoroutineContext): Int = flushing { connection.retryWrite(context, it) }

    private inline fun flushing(write: (LinkBuffer) -> Int): Int {
        val buffer = owned.enter()
        try {
            return write(buffer)
        } catch (e: NetparkException) {
            if (!connection.isOpen) owned.end()
            throw e
        } finally {
            owned.exit(buffer)
        }
    }

    /** @param least how many bytes have to be there */
    private inline fun moving(source: Reader, least: Long, move: (from: LinkBuffer, to: LinkBuffer) -> Unit) {
        val from = source.owned.enterToTake(least)
        try {
            val to = owned.enterToPut()
            try {
                move(from, to)
            } finally {
                owned.exit(to)
            }
        } finally {
            source.owned.exit(from)
        }
    }

    override fun toString(): String = "writer of $connection, ${buffered()} bytes"
}
