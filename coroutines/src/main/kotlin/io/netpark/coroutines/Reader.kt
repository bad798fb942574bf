package io.netpark.coroutines

import io.netpark.core.buffer.BufferReader
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.framing.Framing
import io.netpark.core.net.streams.AwaitedInput
import io.netpark.core.net.streams.AwaitedInput.Part
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.BEGIN
import io.netpark.coroutines.parking.PARKED_TO_READ
import io.netpark.coroutines.parking.TURN_OVER
import io.netpark.coroutines.parking.perform
import java.nio.ByteBuffer
import java.nio.charset.Charset
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map

/**
 * Parses the input of a connection. Functions named `await…` suspend until the whole of what they are asked for is there. All others
 * (`take…`, `next`, `peek`, `skip`) are about bytes that are there, and never suspend:
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
 * Bytes lie in pooled segments and are not copied. A reader that waits with nothing unread holds no memory.
 *
 * The table says what the awaiting functions give, and what they do when the peer ends its output first. A *clean* end has no bytes
 * before it. At an end in the *middle*, some bytes have come and are not enough. They stay unread, and can still be taken.
 *
 * | function                                           | gives                     | at a clean end | in the middle | limit in bytes                                        |
 * |----------------------------------------------------|---------------------------|----------------|---------------|-------------------------------------------------------|
 * | [await]`(n)`                                       | true: n bytes are there   | false          | `Truncated`   | n: [Buffering.inputLimit]                             |
 * | [awaitRest]`(n)`                                   | nothing: they are there   | `Truncated`    | `Truncated`   | n: [Buffering.inputLimit]                             |
 * | [awaitMore]`()`                                    | true: more than before    | false          | false         | all there is: [Buffering.inputLimit]                  |
 * | [awaitByte], [awaitShort], [awaitInt], [awaitLong] | the number                | `Truncated`    | `Truncated`   |                                                       |
 * | [awaitShortLe], [awaitIntLe], [awaitLongLe]        | the number, little-endian | `Truncated`    | `Truncated`   |                                                       |
 * | [awaitBytes]`(n)`                                  | a copy                    | `Truncated`    | `Truncated`   | n: [Buffering.inputLimit]                             |
 * | [awaitString]`(n)`                                 | text                      | `Truncated`    | `Truncated`   | n: [Buffering.inputLimit]                             |
 * | [awaitLine]`(limit)`                               | a line without its end    | null           | `Truncated`   | `limit`, [Buffering.inputLimit] at most               |
 * | [awaitUntil]`(delimiter, limit)`                   | a view with the delimiter | null           | `Truncated`   | `limit`, [Buffering.inputLimit] at most               |
 * | [awaitMessage]`(framing)`                          | a view of a whole message | null           | `Truncated`   | the framing's; [Buffering.inputLimit] has room for it |
 * | [lines]`(limit)`                                   | a flow of lines           | the flow ends  | `Truncated`   | `limit`, [Buffering.inputLimit] at most               |
 *
 * What is over a limit fails with [NetparkException.LimitExceeded]. A number `n` over the limit fails before anything is awaited.
 *
 * **Threads.** One coroutine at a time may use a reader. **Cancelled**, timed out or failed, every awaiting function has taken nothing:
 * what has come is unread, and the same call can be made again.
 *
 * @see Connection.reader
 */
public class Reader internal constructor(
    internal val connection: Connection,
    internal val owned: OwnedBuffer,
    /** What [owned] holds, for questions that are no use of it. */
    internal val buffer: LinkBuffer,
    inputLimit: Int,
) : BufferReader by owned.reader() {

    internal val awaited = AwaitedInput(connection.core, owned, inputLimit, "Buffering.inputLimit")

    /**
     * Suspends until [count] bytes are there.
     *
     * @return false if the input has ended instead and no byte is left: a clean end
     * @throws NetparkException.Truncated the input has ended with fewer bytes left; they can still be taken
     * @throws NetparkException.LimitExceeded [count] is over [Buffering.inputLimit], or more bytes than that are kept for views
     * @throws NetparkException as [Connection.read]
     */
    // Inline: see Seam.kt.
    public suspend inline fun await(count: Int = 1): Boolean =
        perform({ previous, context -> awaitStep(previous, context, count, isRest = false) }, { pause(it) }) > 0

    /**
     * Suspends until [count] bytes are there, of something that has begun. The input must not end before.
     *
     * @throws NetparkException.Truncated the input has ended with fewer bytes left; they can still be taken
     * @throws NetparkException.LimitExceeded as [await]
     * @throws NetparkException as [Connection.read]
     */
    public suspend inline fun awaitRest(count: Int) {
        perform({ previous, context -> awaitStep(previous, context, count, isRest = true) }, { pause(it) })
    }

    /**
     * Suspends until more bytes are there than now. This is for a parser that has looked at all bytes that are there, and needs more.
     *
     * @return false if the input has ended instead; the bytes that are there can still be taken
     * @throws NetparkException.LimitExceeded [Buffering.inputLimit] bytes are there already
     * @throws NetparkException as [Connection.read]
     */
    public suspend inline fun awaitMore(): Boolean = perform({ previous, context -> moreStep(previous, context) }, { pause(it) }) > 0

    // Whole numbers. Inline: a suspending function would box the number that it returns.

    /**
     * Suspends until a byte is there, and takes it.
     *
     * @throws NetparkException.Truncated the input has ended
     * @throws NetparkException as [Connection.read]
     */
    public suspend inline fun awaitByte(): Byte {
        if (available() < Byte.SIZE_BYTES) awaitRest(Byte.SIZE_BYTES)
        return takeByte()
    }

    /**
     * Suspends until two bytes are there, and takes them as a number.
     *
     * @throws NetparkException.Truncated the input has ended before; what has come of it can still be taken
     * @throws NetparkException as [Connection.read]
     */
    public suspend inline fun awaitShort(): Short {
        if (available() < Short.SIZE_BYTES) awaitRest(Short.SIZE_BYTES)
        return takeShort()
    }

    /** As [awaitShort], the least byte first. */
    public suspend inline fun awaitShortLe(): Short {
        if (available() < Short.SIZE_BYTES) awaitRest(Short.SIZE_BYTES)
        return takeShortLe()
    }

    /**
     * Suspends until four bytes are there, and takes them as a number.
     *
     * @throws NetparkException as [awaitShort]
     */
    public suspend inline fun awaitInt(): Int {
        if (available() < Int.SIZE_BYTES) awaitRest(Int.SIZE_BYTES)
        return takeInt()
    }

    /** As [awaitInt], the least byte first. */
    public suspend inline fun awaitIntLe(): Int {
        if (available() < Int.SIZE_BYTES) awaitRest(Int.SIZE_BYTES)
        return takeIntLe()
    }

    /**
     * Suspends until eight bytes are there, and takes them as a number.
     *
     * @throws NetparkException as [awaitShort]
     */
    public suspend inline fun awaitLong(): Long {
        if (available() < Long.SIZE_BYTES) awaitRest(Long.SIZE_BYTES)
        return takeLong()
    }

    /** As [awaitLong], the least byte first. */
    public suspend inline fun awaitLongLe(): Long {
        if (available() < Long.SIZE_BYTES) awaitRest(Long.SIZE_BYTES)
        return takeLongLe()
    }

    // Copies

    /**
     * Suspends until [count] bytes are there, and takes them into an array of their own.
     *
     * @throws NetparkException.Truncated the input has ended before; what has come of it can still be taken
     * @throws NetparkException.LimitExceeded as [await]
     * @throws NetparkException as [Connection.read]
     * @throws IndexOutOfBoundsException [count] is negative
     */
    public suspend fun awaitBytes(count: Int): ByteArray {
        awaitRest(count)
        return takeBytes(count)
    }

    /**
     * Suspends until [count] bytes are there, and takes them as text. Malformed input becomes U+FFFD.
     *
     * @throws NetparkException as [awaitBytes]
     * @throws IndexOutOfBoundsException [count] is negative
     */
    public suspend fun awaitString(count: Int, charset: Charset = Charsets.UTF_8): String {
        awaitRest(count)
        return takeString(count, charset)
    }

    /** Reads once, at least one byte. Negative at the end. */
    private suspend inline fun fill(): Int = perform({ previous, context -> fillStep(previous, context) }, { pause(it) })

    internal fun fillStep(previous: Int, context: CoroutineContext): Int = when {
        previous == PARKED_TO_READ -> filling { connection.retryRead(context, it) }
        previous == BEGIN && connection.isBudgetSpent() -> TURN_OVER
        else -> filling { connection.startRead(context, it) }
    }

    private inline fun filling(read: (LinkBuffer) -> Int): Int {
        val buffer = owned.enter()
        try {
            val count = read(buffer)
            if (count == PARKED_TO_READ && buffer.available() > 0) buffer.trim()
            return count
        } catch (e: NetparkException) {
            if (!connection.isOpen) owned.end()
            throw e
        } finally {
            owned.exit(buffer)
        }
    }

    /** Suspends until [take] gives something whole; null at a clean end. */
    private suspend inline fun <T : Any> awaitWhole(part: Part, take: () -> T?): T? {
        while (true) {
            take()?.let { return it }
            if (fill() < 0) {
                awaited.requireCleanEnd(part)
                return null
            }
        }
    }

    // Up to a delimiter

    /**
     * Suspends until a line is there that ends with LF or CRLF, and takes it, as UTF-8. Malformed input becomes U+FFFD.
     *
     * @param limit the most bytes that the line may have, with its end
     * @return the line without its end; null if the input has ended and no byte is left
     * @throws NetparkException.LimitExceeded the line is longer
     * @throws NetparkException.Truncated the input has ended in the middle of a line
     * @throws NetparkException as [Connection.read]
     */
    public suspend fun awaitLine(limit: Int = AwaitedInput.LINE_LIMIT): String? {
        val most = awaited.atMost(limit)
        return awaitWhole(Part.LINE) { awaited.line(most) }
    }

    /**
     * The lines of the input to the end of the stream, each as [awaitLine] gives it:
     *
     * ```
     * connection.reader.lines().collect { line -> connection.writer.putString(answer(line)) }
     * ```
     *
     * The flow is cold: nothing is read until it is collected, and every collection goes on where the reader is. One coroutine may
     * collect it at a time. The collector may use the reader for something else between two lines.
     *
     * A line is taken when it is emitted, and not before. So a collector that stops, by `first()` or `take(n)`, leaves all lines unread
     * that it has not got. So does a collector that is **cancelled**. An operator that collects ahead, such as `buffer` or `flowOn`, has
     * got the lines that it holds.
     *
     * @param limit the most bytes that a line may have, with its end
     * @throws NetparkException in the collection, as [awaitLine]
     */
    public fun lines(limit: Int = AwaitedInput.LINE_LIMIT): Flow<String> =
        // emit may find that the collector is cancelled. map comes after that: what it takes cannot be refused any more.
        flow { while (awaitEndOfLine(limit)) emit(Unit) }.map { checkNotNull(takeLine(limit)) }

    /** Suspends until a line is there, as [awaitLine] does; false at a clean end. */
    private suspend fun awaitEndOfLine(limit: Int): Boolean {
        val most = awaited.atMost(limit)
        return awaitWhole(Part.LINE) { if (awaited.hasLine(most)) Unit else null } != null
    }

    /**
     * Suspends until a delimiter is there, and takes everything up to the delimiter and with it, as a view.
     *
     * @param limit the most bytes that the view may have, with the delimiter
     * @return the view; null if the input has ended and no byte is left
     * @throws NetparkException.LimitExceeded the delimiter is not among the first [limit] bytes
     * @throws NetparkException.Truncated the input has ended before the delimiter
     * @throws NetparkException as [Connection.read]
     */
    public suspend fun awaitUntil(delimiter: Byte, limit: Int): ByteBuffer? {
        val most = awaited.atMost(limit)
        return awaitWhole(Part.DELIMITED) { awaited.until(delimiter, most) }
    }

    /** As [awaitUntil] of a byte, for a delimiter of several bytes. */
    public suspend fun awaitUntil(delimiter: ByteArray, limit: Int): ByteBuffer? {
        val most = awaited.atMost(limit)
        return awaitWhole(Part.DELIMITED) { awaited.until(delimiter, most) }
    }

    /**
     * Suspends until a whole message is there, and takes it, as a view that is valid until [release].
     *
     * @return the view; null if the input has ended and no byte is left
     * @throws NetparkException.LimitExceeded a message is longer than [framing] allows
     * @throws NetparkException.Truncated the input has ended in the middle of a message
     * @throws NetparkException as [Connection.read]
     * @throws IllegalStateException [framing] allows longer messages than [Buffering.inputLimit] has room for
     */
    public suspend fun awaitMessage(framing: Framing): ByteBuffer? {
        awaited.requireRoom(framing)
        return awaitWhole(Part.MESSAGE) { awaited.message(framing) }
    }

    override fun toString(): String = "reader of $connection, ${available()} bytes"
}
