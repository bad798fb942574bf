package io.netpark.coroutines

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.sys.NetparkException
import kotlin.coroutines.CoroutineContext

/**
 * Builds the output of a connection in pooled segments, and sends it by [flush]. Only flushing suspends:
 *
 * ```
 * writer.putInt(payload.size)
 * writer.put(payload)
 * writer.flush()
 * ```
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
    private val highWaterMark: Int,
) : BufferWriter by owned.writer() {

    /**
     * Sends everything that has been written, gathered into as few system calls as possible. Suspends while the peer, or
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
     * Flushes if more than [Buffering.highWaterMark] has been written: to be called now and then by who writes much.
     *
     * **Cancelled**, as [flush].
     */
    public suspend inline fun flushIfFull() {
        perform({ previous, context -> flushStep(previous, context, fromMark = true) }, { pause(it) })
    }

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

    /** Moves everything that is unread in [source] here, without a copy. */
    public fun append(source: Reader): Unit = moving(source) { from, to -> to.append(from) }

    /**
     * Moves the next [count] unread bytes of [source] here; they share its segments, and only small parts are copied.
     *
     * @throws IndexOutOfBoundsException there are fewer
     */
    public fun append(source: Reader, count: Long): Unit = moving(source) { from, to -> to.append(from, count) }

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
