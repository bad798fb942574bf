package io.netpark.http

import io.netpark.core.buffer.BufferReader
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer

/** What the lines of heads, chunks and trailers have in common (RFC 9112, 2.2 and 5). */
internal object Lines {

    private const val COLON = ':'.code.toByte()

    /** The next line, with its end, if that has come. */
    fun take(reader: BufferReader, limit: Int, tooLong: Status): ByteBuffer? = try {
        reader.takeUntil(Ascii.LF, limit)
    } catch (_: NetparkException.LimitExceeded) {
        throw Refusal(tooLong, "a line of more than $limit bytes")
    }

    /** Where the text of a line ends: at CRLF, and nothing else. */
    fun end(line: ByteBuffer): Int {
        val end = line.limit() - 2
        if (end < line.position() || line.get(end) != Ascii.CR) refuse("a line that does not end with CRLF")
        return end
    }

    /** Where a token ends that begins at an index. */
    fun tokenEnd(line: ByteBuffer, from: Int, to: Int): Int {
        var end = from
        while (end < to && Ascii.isToken(line.get(end))) end++
        return end
    }

    /** The colon behind a field's name. A folded line begins with a blank, which no name does. */
    fun nameEnd(line: ByteBuffer, from: Int, to: Int): Int {
        val end = tokenEnd(line, from, to)
        if (end == from || end == to || line.get(end) != COLON) refuse("a field without a name and a colon")
        return end
    }

    /** The first byte of a value that is no blank, or [to]. */
    fun valueStart(line: ByteBuffer, from: Int, to: Int): Int {
        var start = from
        while (start < to && Ascii.isBlank(line.get(start))) start++
        return start
    }

    /** The index behind the last byte that is no blank, or [from]. */
    fun valueEnd(line: ByteBuffer, from: Int, to: Int): Int {
        var end = to
        while (end > from && Ascii.isBlank(line.get(end - 1))) end--
        return end
    }

    fun checkValue(line: ByteBuffer, from: Int, to: Int) {
        for (i in from until to) if (!Ascii.isFieldValue(line.get(i))) refuse("a control character")
    }

    fun refuse(why: String): Nothing = throw Refusal(Status.BAD_REQUEST, why)
}
