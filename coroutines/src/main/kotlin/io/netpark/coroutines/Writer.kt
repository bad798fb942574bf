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
 * What is named `put…`, `link`, `append`, `reserve` and `commit` only collects, and never suspends. It fails at
 * [Buffering.outputLimit]. What is named `write…` collects as well, and flushes first if more than [Buffering.highWaterMark] has
 * been collected: whoever writes much calls it, and keeps little. Nobody needs to flush but where the peer is to be waited for, and
 * at the end:
 *
 * ```
 * for (number in numbers) writer.writeLong(number)
 * writer.flush()
 * ```
 *
 * **Cancelled**, timed out or failed in the flush that comes first, a `write…` function has collected nothing of what it was given,
 * and what has not been sent stays in the writer. (Bytes that are more than the high-water mark by themselves go in parts, and say so.)
 *
 * **Threads.** One coroutine at a time, and not while another writes to the connection in another way. For frames of many
 * coroutines there is [Connection.frames].
 *
 * @see Connection.writer
 */
public class Writer internal constructor(
    internal val connection: Connection,
    internal val owned: OwnedBuffer,
    /** What it owns; only for what may be asked of it without a use. */
    internal val buffer: LinkBuffer,
    internal val highWaterMark: Int,
) : BufferWriter by owned.writer() {

    /**
     * Sends everything that has been collected, gathered into as few system calls as possible. Suspends while the peer, or
     * the network, does not take more.
     *
     * **Cancelled**, timed out or failed, what has not been sent stays in the writer: a later flush goes on exactly where
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
     * Flushes if more than [Buffering.highWaterMark] has been collected, as every `write…` does: for those who put, link or append
     * much.
     *
     * **Cancelled**, as [flush].
     */
    public suspend inline fun flushIfFull() {
        perform({ previous, context -> flushStep(previous, context, fromMark = true) }, { pause(it) })
    }

    // Collecting, with a flush in front where it is due. Inline, as flush is: where nothing has to be flushed, it costs no more than put.

    /**
     * Writes a byte: the lowest of the int. Suspends to flush first, if that is due.
     *
     * **Cancelled**, it has collected nothing of it.
     *
     * @throws NetparkException as [flush]
     */
    public suspend inline fun writeByte(value: Int) {
        flushIfFull()
        putByte(value)
    }

    /** Writes two bytes: the lowest of the int; otherwise as [writeByte]. */
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
     * Writes text. A lone surrogate, and what [charset] has not, is replaced as [BufferWriter.putString] says.
     *
     * **Cancelled**, it has collected nothing of it.
     *
     * @throws NetparkException.LimitExceeded it has more bytes than [Buffering.outputLimit] leaves room for
     * @throws NetparkException as [flush]
     */
    public suspend inline fun writeString(text: CharSequence, charset: Charset = Charsets.UTF_8) {
        flushIfFull()
        putString(text, charset)
    }

    /**
     * Writes all of [source], in parts of [Buffering.highWaterMark] if it has more, so that no more than twice that is ever held.
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
     * **Cancelled**, timed out or failed, it has collected nothing of an array that fits the mark. Of a longer one, it **breaks the
     * output** if some has been collected or sent, as [Connection.write] of an array does: nobody could tell how far it got.
     *
     * @throws NetparkException as [flush]
     */
    public suspend inline fun write(source: ByteArray, offset: Int = 0, length: Int = source.size - offset) {
        if (isMuch(length)) return writeMuch(source, offset, length)
        flushIfFull()
        put(source, offset, length)
    }

    /** Puts as much as the high-water mark. Returns whether that was not all. */
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

    /** Moves everything that is unread in [source] here, without a copy. */
    public fun append(source: Reader): Unit = moving(source) { from, to -> to.append(from) }

    /**
     * Moves the next [count] unread bytes of [source] here; they share its segments, and only small parts are copied.
     *
     * @throws IndexOutOfBoundsException there are fewer
     */
    public fun append(source: Reader, count: Long): Unit = moving(source) { from, to -> to.append(from, count) }

    // How it is done

    /** What was in it when the connection was closed is not: that has to be told. */
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

    private inline fun moving(source: Reader, move: (from: LinkBuffer, to: LinkBuffer) -> Unit) {
        val from = source.owned.enter()
        try {
            val to = owned.enter()
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
