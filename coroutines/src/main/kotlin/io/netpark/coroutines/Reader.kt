package io.netpark.coroutines

import io.netpark.core.buffer.BufferReader
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.yield

/**
 * Parses the input of a connection. Functions named `await…` suspend until the bytes have come; all others are about bytes
 * that are there, and never suspend:
 *
 * ```
 * while (reader.await(4)) {
 *     val length = reader.takeInt()
 *     reader.awaitRest(length)
 *     handle(reader.next(length))
 *     reader.release()
 * }
 * ```
 *
 * Bytes lie in pooled segments and are not copied; a reader that waits with nothing unread holds no memory.
 *
 * **Threads.** One coroutine at a time. **Cancelled**, the awaiting functions have taken nothing: what has come is unread.
 *
 * @see Connection.reader
 */
public class Reader internal constructor(
    @PublishedApi internal val connection: Connection,
    internal val owned: OwnedBuffer,
    /** What it owns; only for what may be asked of it without a use. */
    internal val buffer: LinkBuffer,
    private val buffering: Buffering,
) : BufferReader by owned.reader() {

    /**
     * Suspends until [count] bytes are there.
     *
     * @return false if the input has ended instead and nothing is left of it: a clean end
     * @throws NetparkException.Truncated the input has ended with some bytes left, but fewer; they can still be read
     * @throws NetparkException.LimitExceeded more was asked for than [Buffering.inputLimit], or is kept for views
     * @throws NetparkException as [Connection.read]
     */
    // Inline, as Connection.read is, and for the same reason.
    public suspend inline fun await(count: Int = 1): Boolean {
        if (available() >= count) return true
        checkLimit(count)
        do {
            if (fill() < 0) return endedBefore(count)
        } while (available() < count)
        return true
    }

    /**
     * Suspends until [count] bytes are there, of something that has begun: the input must not end before.
     *
     * @throws NetparkException.Truncated the input has ended with fewer left; they can still be read
     * @throws NetparkException.LimitExceeded as [await]
     * @throws NetparkException as [Connection.read]
     */
    public suspend inline fun awaitRest(count: Int) {
        if (!await(count)) throw truncated(count)
    }

    /** Reads once, at least a byte; negative at the end. */
    @PublishedApi
    internal suspend inline fun fill(): Int {
        if (connection.isBudgetSpent()) yield()
        var count = startFill(coroutineContext)
        while (count == Connection.PARKED) {
            connection.awaitReadable()
            count = retryFill(coroutineContext)
        }
        return count
    }

    @PublishedApi
    internal fun startFill(context: CoroutineContext): Int = filling { connection.startRead(context, it) }

    @PublishedApi
    internal fun retryFill(context: CoroutineContext): Int = filling { connection.retryRead(context, it) }

    private inline fun filling(read: (LinkBuffer) -> Int): Int {
        val buffer = owned.enter()
        try {
            val count = read(buffer)
            if (count == Connection.PARKED && buffer.available() > 0) buffer.trim()
            return count
        } catch (e: NetparkException) {
            if (!connection.isOpen) owned.end()
            throw e
        } finally {
            owned.exit(buffer)
        }
    }

    @PublishedApi
    internal fun checkLimit(count: Int) {
        if (count > buffering.inputLimit) {
            throw connection.about(NetparkException.LimitExceeded(
                "await $count bytes from ${connection.remoteAddress}: the input limit is ${buffering.inputLimit} bytes; " +
                    "refuse what is longer, or raise Buffering.inputLimit",
            ))
        }
        if (owned.heldBytes() > buffering.inputLimit) {
            throw connection.about(NetparkException.LimitExceeded(
                "read from ${connection.remoteAddress}: ${owned.heldBytes()} bytes are kept for views, and the input " +
                    "limit is ${buffering.inputLimit}; call release() when views are not needed any more",
            ))
        }
    }

    @PublishedApi
    internal fun endedBefore(count: Int): Boolean {
        if (available() == 0L) return false
        throw truncated(count)
    }

    @PublishedApi
    internal fun truncated(count: Int): NetparkException = connection.about(
        NetparkException.Truncated("read from ${connection.remoteAddress}: the input ended after ${available()} of $count bytes"),
    )

    /**
     * Suspends until a line is there that ends with LF or CRLF, and takes it, as UTF-8.
     *
     * @param limit the most bytes that it may have, with its end
     * @return without its end; null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded the line is longer
     * @throws NetparkException.Truncated the input has ended in the middle of a line
     * @throws NetparkException as [Connection.read]
     */
    public suspend fun awaitLine(limit: Int = LINE): String? {
        checkLimit(limit)
        while (true) {
            ofThePeer { takeLine(limit) }?.let { return it }
            if (fill() < 0) return endedInside("a line")
        }
    }

    /**
     * Suspends until a delimiter is there, and takes everything up to and with it, as a view.
     *
     * @param limit the most bytes that it may have, with the delimiter
     * @return null if the input has ended and nothing is left of it
     * @throws NetparkException.LimitExceeded the delimiter is not among the first [limit] bytes
     * @throws NetparkException.Truncated the input has ended before the delimiter
     * @throws NetparkException as [Connection.read]
     */
    public suspend fun awaitUntil(delimiter: Byte, limit: Int): ByteBuffer? {
        checkLimit(limit)
        while (true) {
            ofThePeer { takeUntil(delimiter, limit) }?.let { return it }
            if (fill() < 0) return endedInside("something that a delimiter should end")
        }
    }

    /** As [awaitUntil] of a byte, for a delimiter of several. */
    public suspend fun awaitUntil(delimiter: ByteArray, limit: Int): ByteBuffer? {
        checkLimit(limit)
        while (true) {
            ofThePeer { takeUntil(delimiter, limit) }?.let { return it }
            if (fill() < 0) return endedInside("something that a delimiter should end")
        }
    }

    /** What is too long has been sent by the peer of this connection. */
    private inline fun <T> ofThePeer(parse: () -> T): T = try {
        parse()
    } catch (e: NetparkException.LimitExceeded) {
        throw connection.about(e)
    }

    private fun endedInside(what: String): Nothing? {
        if (available() == 0L) return null
        throw connection.about(NetparkException.Truncated(
            "read from ${connection.remoteAddress}: the input ended in the middle of $what, ${available()} bytes into it",
        ))
    }

    override fun toString(): String = "reader of $connection, ${available()} bytes"

    private companion object {
        const val LINE = 8 * 1024
    }
}
