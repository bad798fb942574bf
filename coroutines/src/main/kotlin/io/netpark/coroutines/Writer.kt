package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.yield
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import io.netpark.core.buffer.Writer as BufferWriter

/**
 * Builds the output of a connection in pooled segments, and sends it by [flush]. Only flushing suspends:
 *
 * ```
 * writer.writeInt(payload.size)
 * writer.write(payload)
 * writer.flush()
 * ```
 *
 * **Threads.** One coroutine at a time, and not while another writes to the connection in another way. For frames of many
 * coroutines there is [Connection.frames].
 *
 * @see Connection.writer
 */
public class Writer internal constructor(
    @PublishedApi internal val connection: Connection,
    @PublishedApi internal val buffer: LinkBuffer,
    private val highWaterMark: Int,
) : BufferWriter by buffer {

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
    public suspend inline fun flush() {
        if (buffered() == 0L) return
        if (connection.isBudgetSpent()) yield()
        var state = startFlush(coroutineContext)
        while (state == Connection.PARKED) {
            connection.awaitWritable()
            state = retryFlush(coroutineContext)
        }
    }

    /**
     * Flushes if more than [Buffering.highWaterMark] has been written: to be called now and then by who writes much.
     *
     * **Cancelled**, as [flush].
     */
    public suspend inline fun flushIfFull() {
        if (isFull()) flush()
    }

    @PublishedApi
    internal fun isFull(): Boolean = buffered() > highWaterMark

    @PublishedApi
    internal fun startFlush(context: CoroutineContext): Int = flushing { connection.startWrite(context, buffer) }

    @PublishedApi
    internal fun retryFlush(context: CoroutineContext): Int = flushing { connection.retryWrite(context, buffer) }

    private inline fun flushing(write: () -> Int): Int {
        try {
            return write()
        } catch (e: NetparkException) {
            if (!connection.isOpen) buffer.close()
            throw e
        }
    }

    /** Moves everything that is unread in [source] here, without a copy. */
    public fun append(source: Reader): Unit = buffer.append(source.buffer)

    /**
     * Moves the next [count] unread bytes of [source] here; they share its segments, and only small parts are copied.
     *
     * @throws IndexOutOfBoundsException there are fewer
     */
    public fun append(source: Reader, count: Long): Unit = buffer.append(source.buffer, count)

    override fun toString(): String = "writer of $connection, $buffer"
}
