package io.netpark.http

import io.netpark.http.Lines.refuse
import java.nio.ByteBuffer

/** The fields of a head that say where its request ends, and what becomes of the connection. */
internal class FramingFields : FieldSink {

    private var hosts = 0
    private var encodings = 0
    private var lengths = 0

    var length = NOT_SAID
        private set
    var isChunked = false
        private set
    var expectsContinue = false
        private set
    var saysClose = false
        private set
    var saysKeepAlive = false
        private set
    var saysUpgrade = false
        private set
    var hasUpgrade = false
        private set

    fun reset() {
        hosts = 0
        encodings = 0
        lengths = 0
        length = NOT_SAID
        isChunked = false
        expectsContinue = false
        saysClose = false
        saysKeepAlive = false
        saysUpgrade = false
        hasUpgrade = false
    }

    /** Of all fields few matter here, and a name's length says at once which it could be. */
    override fun field(line: ByteBuffer, name: Int, nameEnd: Int, value: Int, valueEnd: Int) {
        when (nameEnd - name) {
            4 -> if (Ascii.isText(line, name, "host")) host(line, value, valueEnd)
            6 -> if (Ascii.isText(line, name, "expect")) expect(line, value, valueEnd)
            7 -> if (Ascii.isText(line, name, "upgrade")) hasUpgrade = true
            10 -> if (Ascii.isText(line, name, "connection")) connection(line, value, valueEnd)
            14 -> if (Ascii.isText(line, name, "content-length")) length(line, value, valueEnd)
            17 -> if (Ascii.isText(line, name, "transfer-encoding")) encoding(line, value, valueEnd)
        }
    }

    private fun host(line: ByteBuffer, from: Int, to: Int) {
        if (++hosts > 1) refuse("two hosts")
        for (i in from until to) if (!Ascii.isHost(line.get(i))) refuse("a host that is none")
    }

    private fun length(line: ByteBuffer, from: Int, to: Int) {
        if (++lengths > 1) refuse("two lengths")
        if (from == to) refuse("an empty length")
        var value = 0L
        for (i in from until to) {
            val digit = Ascii.digit(line.get(i))
            if (digit < 0) refuse("a length that is no number")
            value = if (value > MOST_BEFORE_A_DIGIT) TOO_LONG else value * 10 + digit
        }
        length = value
    }

    private fun encoding(line: ByteBuffer, from: Int, to: Int) {
        if (++encodings > 1) refuse("two transfer encodings")
        if (!FieldSink.isText(line, from, to, CHUNKED)) {
            throw Refusal(Status.NOT_IMPLEMENTED, "a transfer encoding other than chunked")
        }
        isChunked = true
    }

    private fun expect(line: ByteBuffer, from: Int, to: Int) {
        if (!FieldSink.isText(line, from, to, CONTINUE)) throw Refusal(Status.EXPECTATION_FAILED, "an unknown expectation")
        expectsContinue = true
    }

    /** A list of options, of which three matter. */
    private fun connection(line: ByteBuffer, from: Int, to: Int) {
        var start = from
        while (start < to) {
            var end = start
            while (end < to && line.get(end) != COMMA) end++
            val first = Lines.valueStart(line, start, end)
            when (Lines.valueEnd(line, first, end) - first) {
                CLOSE.length -> saysClose = saysClose || Ascii.isText(line, first, CLOSE)
                UPGRADE.length -> saysUpgrade = saysUpgrade || Ascii.isText(line, first, UPGRADE)
                KEEP_ALIVE.length -> saysKeepAlive = saysKeepAlive || Ascii.isText(line, first, KEEP_ALIVE)
            }
            start = end + 1
        }
    }

    /** What only the whole head can tell. */
    fun complete(isPersistentByDefault: Boolean) {
        if (hosts == 0 && isPersistentByDefault) refuse("no host")
        if (encodings > 0 && lengths > 0) refuse("a length and chunks")
        if (encodings > 0 && !isPersistentByDefault) refuse("chunks of a client that does not know them")
        if (length == TOO_LONG) throw Refusal(Status.CONTENT_TOO_LARGE, "a length beyond every limit")
    }

    private companion object {
        const val NOT_SAID = -1L
        const val TOO_LONG = Long.MAX_VALUE
        const val MOST_BEFORE_A_DIGIT = (Long.MAX_VALUE - 9) / 10
        const val CHUNKED = "chunked"
        const val CONTINUE = "100-continue"
        const val CLOSE = "close"
        const val UPGRADE = "upgrade"
        const val KEEP_ALIVE = "keep-alive"
        const val COMMA = ','.code.toByte()
    }
}
