package io.netpark.ktor.answers

import io.ktor.server.engine.BaseApplicationResponse.BodyLengthIsTooLong
import io.ktor.server.engine.BaseApplicationResponse.BodyLengthIsTooSmall
import io.netpark.core.buffer.BufferWriter
import io.netpark.coroutines.Connection
import io.netpark.ktor.channels.OutputChannel

/**
 * The body of an answer, as a handler writes it. The head is in the connection's writer when this is made, and goes with the
 * first flush.
 *
 * A body that is not what was promised, or that is cancelled, cannot be told from a whole one by everybody. So the connection
 * is reset then. A unix socket knows no reset: its client reads the end of the stream before the end of the body, and cannot
 * tell these two apart if the body goes [to the end][TO_THE_END].
 *
 * @property length how many bytes are promised, or [CHUNKED], [TO_THE_END], [NONE]
 */
internal class AnswerChannel(connection: Connection, private val length: Long) : OutputChannel(connection) {

    private var written = 0L

    /** Whether all of the body has been sent, as promised. Otherwise the connection cannot be used for another answer. */
    @Volatile
    var isComplete: Boolean = false
        private set

    override suspend fun passOn() {
        if (length >= 0 && pending > length - written) throw BodyLengthIsTooLong(length)
        if (length == NONE) return drop()
        val writer = connection.writer
        while (pending > 0) {
            writer.flushIfFull()
            val part = nextPart()
            if (length == CHUNKED) writer.putChunkHead(part)
            move(part)
            if (length == CHUNKED) writer.putShort(CRLF)
            written += part
        }
    }

    override suspend fun end() {
        if (written < length) throw BodyLengthIsTooSmall(length, written)
        if (length == CHUNKED) connection.writer.put(LAST_CHUNK)
        connection.writer.flush()
        isComplete = true
    }

    override fun cutOff(): Unit = connection.reset()

    override fun toString(): String = "answer to $connection, $written bytes so far"

    companion object {
        /** The body is sent in chunks (RFC 9112, 7.1). Each flush makes at least one. */
        const val CHUNKED: Long = -1

        /** The body ends with the connection, which is closed by others. */
        const val TO_THE_END: Long = -2

        /** There is no body, as the request was HEAD, for example. What is written is dropped. */
        const val NONE: Long = -3

        private const val CRLF = 0x0D0A
        private val LAST_CHUNK = "0\r\n\r\n".toByteArray()

        private const val DIGIT_BITS = 4

        /** Puts the size of a chunk in hexadecimal digits, and CRLF. */
        private fun BufferWriter.putChunkHead(size: Long) {
            var shift = (Long.SIZE_BITS - 1 - size.countLeadingZeroBits()) / DIGIT_BITS * DIGIT_BITS
            while (shift >= 0) {
                putByte("0123456789abcdef"[(size shr shift).toInt() and 0xF].code)
                shift -= DIGIT_BITS
            }
            putShort(CRLF)
        }
    }
}
