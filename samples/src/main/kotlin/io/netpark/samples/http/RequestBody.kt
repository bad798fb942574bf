package io.netpark.samples.http

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.samples.http.RequestHead.Companion.refuse
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.TimeSource

/** Reads the bodies of the requests of a connection, by length or in chunks (RFC 9112, 6 and 7). */
internal class RequestBody(private val connection: Connection, private val limit: Long, private val time: Duration) {

    private val reader = connection.reader
    private val writer = connection.writer
    private var room = 0L
    private var extensionRoom = 0

    /**
     * Reads the body behind [head] into [target], and tells a client that waits for it that the body is welcome. No view of the
     * head is valid afterwards.
     *
     * @throws Refusal it is malformed, longer than the limit, or takes too long
     * @throws NetparkException.Truncated the client has gone in the middle of it
     */
    suspend fun readInto(target: LinkBuffer, head: RequestHead) {
        if (head.contentLength > limit) tooLong()
        reader.release()
        if (head.expectsContinue && reader.available() == 0L) {
            writer.put(Status.CONTINUE.line)
            writer.putString("\r\n")
        }
        room = limit
        extensionRoom = MOST_EXTENSIONS
        connection.readDeadline = TimeSource.Monotonic.markNow() + time // for all of it, however it trickles
        try {
            if (head.isChunked) chunks(target) else take(head.contentLength, target)
        } catch (late: NetparkException.TimedOut) {
            if (late.timeout() != NetparkException.Timeout.READ) throw late
            throw Refusal(Status.REQUEST_TIMEOUT, "no whole body within $time")
        }
        connection.readDeadline = null
    }

    private suspend fun chunks(target: LinkBuffer) {
        while (true) {
            val size = chunkSize(line(LONGEST_SIZE_LINE))
            if (size == 0L) return trailers()
            if (size > room) tooLong()
            room -= size
            take(size, target)
            val rest = line(LONGEST_SIZE_LINE)
            if (RequestHead.endOf(rest) != rest.position()) refuse("a chunk that does not end where it should")
            reader.release()
        }
    }

    /** Hexadecimal digits; an extension may follow behind a semicolon, and is ignored. */
    private fun chunkSize(line: ByteBuffer): Long {
        val end = RequestHead.endOf(line)
        var size = 0L
        var i = line.position()
        while (i < end) {
            val digit = Ascii.hexadecimal(line.get(i))
            if (digit < 0) break
            if (i - line.position() == MOST_SIZE_DIGITS) tooLong()
            size = size shl 4 or digit.toLong()
            i++
        }
        if (i == line.position()) refuse("a chunk without a size")
        RequestHead.checkValue(line, i, end)
        while (i < end && (line.get(i) == ' '.code.toByte() || line.get(i) == '\t'.code.toByte())) i++
        if (i < end && line.get(i) != ';'.code.toByte()) refuse("a chunk size that is no number")
        extensionRoom -= end - i // they could be a thousand times the body, which has its limit (RFC 9112, 7.1.1)
        if (extensionRoom < 0) throw Refusal(Status.CONTENT_TOO_LARGE, "chunk extensions of more than $MOST_EXTENSIONS bytes")
        reader.release()
        return size
    }

    /** Fields behind the last chunk. They must be well-formed, and nobody wants to know them. */
    private suspend fun trailers() {
        var left = RequestHead.LONGEST_HEAD
        while (true) {
            val line = line(left)
            left -= line.remaining()
            val end = RequestHead.endOf(line)
            val isLast = end == line.position()
            if (!isLast) RequestHead.checkValue(line, RequestHead.nameEnd(line, line.position(), end), end)
            reader.release()
            if (isLast) return
        }
    }

    private suspend fun take(count: Long, target: LinkBuffer) {
        var left = count
        while (left > 0) {
            if (reader.available() == 0L) awaitMore()
            val part = minOf(left, reader.available())
            if (part < WORTH_SHARING) {
                target.put(reader.next(part.toInt()))
                reader.release()
            } else {
                reader.slice(part).use { target.append(it) }
            }
            left -= part
        }
    }

    private suspend fun line(limit: Int): ByteBuffer {
        while (true) {
            RequestHead.takeLine(reader, limit, Status.BAD_REQUEST)?.let { return it }
            awaitMore()
        }
    }

    /** What was answered, or said before, goes out first. */
    private suspend fun awaitMore() {
        writer.flush()
        reader.awaitRest(reader.available().toInt() + 1)
    }

    private fun tooLong(): Nothing = throw Refusal(Status.CONTENT_TOO_LARGE, "a body of more than $limit bytes")

    private companion object {
        const val LONGEST_SIZE_LINE = 1024
        const val MOST_EXTENSIONS = 16 * 1024
        const val MOST_SIZE_DIGITS = 15
        const val WORTH_SHARING = 4096L // less would keep a segment for little
    }
}
