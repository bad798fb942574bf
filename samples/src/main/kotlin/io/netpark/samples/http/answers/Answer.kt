package io.netpark.samples.http.answers

import io.netpark.core.buffer.BufferWriter
import io.netpark.http.Status

/** Writes the heads of answers, and answers that are known from the start. Never waits: who calls flushes. */
internal class Answer(private val writer: BufferWriter, private val common: CommonFields) {

    /**
     * Begins an answer; fields may follow, then [end].
     *
     * @param closes whether it is the last of the connection
     * @param staysOpen whether to say that it is not, to a client that would not expect that
     */
    fun begin(status: Status, closes: Boolean, staysOpen: Boolean = false) {
        writer.put(status.line)
        writer.put(common.bytes())
        if (closes) writer.put(CLOSE) else if (staysOpen) writer.put(KEEP_ALIVE)
    }

    fun field(name: String, value: String) {
        writer.putString(name)
        writer.put(COLON)
        writer.putString(value)
        writer.put(END)
    }

    /** How long the body is, of which an answer to HEAD has none. */
    fun length(value: Long) {
        writer.put(LENGTH)
        writer.putDecimal(value)
        writer.put(END)
    }

    /** Ends the head. */
    fun end(): Unit = writer.put(END)

    /** An answer that says what is wrong, to people too. */
    fun error(status: Status, closes: Boolean, isHead: Boolean = false, allow: String? = null, range: String? = null) {
        begin(status, closes)
        allow?.let { field("Allow", it) }
        range?.let { field("Content-Range", it) }
        page(Page("text/plain; charset=utf-8", "$status\n"), isHead)
    }

    /** The rest of a head, and the body. */
    fun page(page: Page, isHead: Boolean) {
        writer.put(page.fields)
        if (!isHead) writer.put(page.body)
    }

    private companion object {
        val LENGTH = "Content-Length: ".encodeToByteArray()
        val CLOSE = "Connection: close\r\n".encodeToByteArray()
        val KEEP_ALIVE = "Connection: keep-alive\r\n".encodeToByteArray()
        val COLON = ": ".encodeToByteArray()
        val END = "\r\n".encodeToByteArray()
    }
}

/** A body that is there as a whole, and the fields that say what it is, with the empty line behind them. */
internal class Page(type: String, content: String) {
    val body: ByteArray = content.encodeToByteArray()
    val fields: ByteArray = "Content-Type: $type\r\nContent-Length: ${body.size}\r\n\r\n".encodeToByteArray()
}
