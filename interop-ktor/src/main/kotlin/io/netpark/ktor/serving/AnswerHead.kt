package io.netpark.ktor.serving

import io.ktor.http.HttpStatusCode
import io.netpark.core.buffer.BufferWriter

/**
 * Puts the heads of answers (RFC 9112, 2 to 6). It alone decides about the fields that frame the answer and end the connection.
 */
internal object AnswerHead {

    private const val FIRST_STATUS = 100
    private val lines = arrayOfNulls<Line>(500)

    private class Line(val status: HttpStatusCode, val bytes: ByteArray)

    private val LENGTH = "Content-Length: ".encodeToByteArray()
    private val CHUNKED = "Transfer-Encoding: chunked\r\n".encodeToByteArray()
    private val CLOSE = "Connection: close\r\n".encodeToByteArray()
    private val KEEP_ALIVE = "Connection: keep-alive\r\n".encodeToByteArray()
    private const val COLON = 0x3A20 // and a blank
    private const val END = 0x0D0A

    /**
     * The first line. Not to be changed.
     *
     * @throws IllegalArgumentException it is no status, or its text would begin another line
     */
    fun line(status: HttpStatusCode): ByteArray {
        val index = status.value - FIRST_STATUS
        if (index !in lines.indices) return bytes(status)
        val known = lines[index] // a race makes it twice, and does no harm
        if (known != null && (known.status === status || known.status.description == status.description)) return known.bytes
        return bytes(status).also { if (known == null) lines[index] = Line(status, it) }
    }

    private fun bytes(status: HttpStatusCode): ByteArray {
        require(status.value in 100..999) { "no status of HTTP: $status" }
        AnswerFields.requireText("the status", status.description)
        return "HTTP/1.1 ${status.value} ${status.description}\r\n".encodeToByteArray()
    }

    /** Puts all fields but those about framing and, unless this is an upgrade, the connection. */
    fun fields(writer: BufferWriter, fields: AnswerFields, isUpgrade: Boolean) {
        for (i in 0 until fields.count) {
            val name = fields.name(i)
            if (isFraming(name) || !isUpgrade && isConnection(name)) continue
            field(writer, name, fields.value(i))
        }
    }

    private fun field(writer: BufferWriter, name: String, value: String) {
        writer.putString(name)
        writer.putShort(COLON)
        writer.putString(value)
        writer.putShort(END)
    }

    private fun isFraming(name: String): Boolean = when (name.length) {
        14 -> name.equals("Content-Length", ignoreCase = true)
        17 -> name.equals("Transfer-Encoding", ignoreCase = true)
        else -> false
    }

    private fun isConnection(name: String) = name.length == 10 && name.equals("Connection", ignoreCase = true)

    /** Whether the program wants the connection to end with this answer. */
    fun saysClose(fields: AnswerFields): Boolean {
        for (i in 0 until fields.count) {
            if (!isConnection(fields.name(i))) continue
            if (fields.value(i).split(',').any { it.trim().equals("close", ignoreCase = true) }) return true
        }
        return false
    }

    /** Says that the connection ends, or what the program says of it, or that it does not end, to a client that expects that. */
    fun connection(writer: BufferWriter, fields: AnswerFields, closes: Boolean, mustBeToldToStay: Boolean) {
        if (closes) return writer.put(CLOSE)
        if (mustBeToldToStay) return writer.put(KEEP_ALIVE)
        for (i in 0 until fields.count) if (isConnection(fields.name(i))) field(writer, fields.name(i), fields.value(i))
    }

    fun length(writer: BufferWriter, length: Long) {
        writer.put(LENGTH)
        writer.putDecimal(length)
        writer.putShort(END)
    }

    fun chunked(writer: BufferWriter): Unit = writer.put(CHUNKED)

    /** Ends the head. */
    fun end(writer: BufferWriter): Unit = writer.putShort(END)

    /** A whole answer without a body, the last of its connection. */
    fun last(writer: BufferWriter, statusLine: ByteArray) {
        writer.put(statusLine)
        length(writer, 0)
        writer.put(CLOSE)
        end(writer)
    }
}
