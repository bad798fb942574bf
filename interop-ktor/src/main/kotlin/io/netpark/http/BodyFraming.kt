package io.netpark.http

import io.netpark.core.buffer.BufferReader
import io.netpark.http.Lines.refuse
import java.nio.ByteBuffer

/**
 * Where a body and its chunks begin and end (RFC 9112, 6 and 7). Takes the framing out of a reader as far as it has come. Never
 * waits.
 */
internal class BodyFraming(
    private val reader: BufferReader,
    private val limits: BodyLimits,
    private val trailers: FieldSink?,
) {
    private enum class Part { DATA, SIZE, EXTENSION, CHUNK_END, TRAILERS, OVER }

    private var part = Part.OVER
    private var isChunked = false
    private var size = 0L
    private var left = 0L
    private var room = 0L
    private var extensionRoom = 0
    private var trailerRoom = 0
    private var trailerFields = 0

    /** Why the body was refused, if it was: what stands behind that line is not to be taken for anything else. */
    private var refusal: Refusal? = null

    /** Whether nothing is left of the body, and of what stands behind it. */
    val isOver: Boolean get() = part == Part.OVER

    /** Whether a quoted string has gone on behind a CRLF. */
    var isDoubtful: Boolean = false
        private set

    /** How much is left of the body at least; all of it, if it does not come in chunks. */
    val least: Long get() = left

    fun begin(head: RequestHead) {
        refusal = null
        if (head.contentLength > limits.bytes) tooLong()
        reader.release()
        isChunked = head.isChunked
        left = maxOf(head.contentLength, 0)
        part = if (isChunked) Part.SIZE else if (left > 0) Part.DATA else Part.OVER
        room = limits.bytes
        extensionRoom = MOST_EXTENSIONS
        trailerRoom = limits.trailers.head
        trailerFields = 0
        isDoubtful = false
        trailers?.begin()
    }

    /**
     * How many bytes of the body are next in the reader.
     *
     * @throws Refusal the framing is malformed, or the body is too long, here or before
     */
    fun available(): Long {
        refusal?.let { throw it }
        try {
            return next()
        } catch (why: Refusal) {
            refusal = why
            throw why
        }
    }

    private fun next(): Long {
        while (true) {
            when (part) {
                Part.DATA -> return minOf(left, reader.available())
                Part.SIZE -> size(line(LONGEST_SIZE_LINE) ?: return 0)
                Part.EXTENSION -> line(LONGEST_SIZE_LINE)?.let { extension(it, it.position(), isQuoted = true) } ?: return 0
                Part.CHUNK_END -> chunkEnd(line(CHUNK_END_LENGTH) ?: return 0)
                Part.TRAILERS -> trailer(line(trailerRoom) ?: return 0)
                Part.OVER -> return 0
            }
        }
    }

    /** So many bytes of the body have been taken from the reader. */
    fun took(count: Long) {
        require(count in 0..left) { "$count bytes are not of this body or chunk, which has $left left" }
        left -= count
        if (left == 0L && part == Part.DATA) part = if (isChunked) Part.CHUNK_END else Part.OVER
    }

    /** Hexadecimal digits; extensions may follow, each behind a semicolon, and are ignored. */
    private fun size(line: ByteBuffer) {
        val end = Lines.end(line)
        size = 0
        var i = line.position()
        while (i < end) {
            val digit = Ascii.hexadecimal(line.get(i))
            if (digit < 0) break
            if (i - line.position() == MOST_SIZE_DIGITS) tooLong()
            size = size shl 4 or digit.toLong()
            i++
        }
        if (i == line.position()) refuse("a chunk without a size")
        val extension = Lines.valueStart(line, i, end)
        // Blanks may stand before an extension only (RFC 9112, 7.1.1).
        if (i < end && (extension == end || line.get(extension) != SEMICOLON)) refuse("a chunk size that is no number")
        extension(line, i, isQuoted = false)
    }

    /**
     * The extensions in a line, from an index on. The standard lets no CRLF be in a quoted string, so a line ends where it ends.
     * Where such a CRLF is allowed nevertheless, the string goes on in the next line.
     */
    private fun extension(line: ByteBuffer, from: Int, isQuoted: Boolean) {
        val end = Lines.end(line)
        Lines.checkValue(line, from, end)
        extensionRoom -= end - from // they could be a thousand times the body, which has its limit (RFC 9112, 7.1.1)
        if (extensionRoom < 0) throw Refusal(Status.CONTENT_TOO_LARGE, "chunk extensions of more than $MOST_EXTENSIONS bytes")
        val goesOn = limits.quotedLineEnds && endsQuoted(line, from, end, isQuoted)
        reader.release()
        if (goesOn) {
            isDoubtful = true
            part = Part.EXTENSION
        } else {
            beginChunk()
        }
    }

    private fun endsQuoted(line: ByteBuffer, from: Int, to: Int, beginsQuoted: Boolean): Boolean {
        var isQuoted = beginsQuoted
        var i = from
        while (i < to) {
            when (line.get(i++)) {
                QUOTE -> isQuoted = !isQuoted
                BACKSLASH -> if (isQuoted) i++
            }
        }
        return isQuoted
    }

    private fun beginChunk() {
        if (size > room) tooLong()
        room -= size
        left = size
        part = if (size > 0) Part.DATA else Part.TRAILERS
    }

    private fun chunkEnd(line: ByteBuffer) {
        if (Lines.end(line) != line.position()) refuse("a chunk that does not end where it should")
        reader.release()
        part = Part.SIZE
    }

    private fun trailer(line: ByteBuffer) {
        trailerRoom -= line.remaining()
        val from = line.position()
        val end = Lines.end(line)
        if (from == end) {
            part = Part.OVER
        } else {
            if (++trailerFields > limits.trailers.fields) refuse("more than ${limits.trailers.fields} trailers")
            val nameTo = Lines.nameEnd(line, from, end)
            val valueFrom = Lines.valueStart(line, nameTo + 1, end)
            val valueTo = Lines.valueEnd(line, valueFrom, end)
            Lines.checkValue(line, valueFrom, valueTo)
            if (!Trailers.isForbidden(line, from, nameTo)) trailers?.field(line, from, nameTo, valueFrom, valueTo)
        }
        reader.release()
    }

    private fun line(limit: Int): ByteBuffer? = Lines.take(reader, limit, Status.BAD_REQUEST)

    private fun tooLong(): Nothing = throw Refusal(Status.CONTENT_TOO_LARGE, "a body of more than ${limits.bytes} bytes")

    private companion object {
        const val LONGEST_SIZE_LINE = 1024
        const val CHUNK_END_LENGTH = 2
        const val MOST_EXTENSIONS = 16 * 1024
        const val MOST_SIZE_DIGITS = 15
        const val SEMICOLON = ';'.code.toByte()
        const val QUOTE = '"'.code.toByte()
        const val BACKSLASH = '\\'.code.toByte()
    }
}
