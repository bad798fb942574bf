package io.netpark.samples.websocket

import java.nio.ByteBuffer

/**
 * Whether bytes that come in pieces are UTF-8 (RFC 3629, 4): no continuation too many or too few, nothing longer than need be, no
 * surrogates, nothing beyond U+10FFFF. NOT thread safe.
 */
internal class Utf8Check {

    /** How many bytes the present character still has. */
    private var missing = 0

    /** Between what the next of them must lie. */
    private var lowest = CONTINUATION
    private var highest = LAST_CONTINUATION

    /** Whether no character has been left unfinished. */
    val isComplete: Boolean get() = missing == 0

    fun reset() {
        missing = 0
        lowest = CONTINUATION
        highest = LAST_CONTINUATION
    }

    /** Goes on with these bytes; false once they cannot be UTF-8, whatever follows. Absolute: no position is moved. */
    fun accept(bytes: ByteBuffer, from: Int, to: Int): Boolean {
        var at = from
        while (at < to) {
            if (missing == 0) {
                while (at + Long.SIZE_BYTES <= to && bytes.getLong(at) and NOT_ASCII == 0L) at += Long.SIZE_BYTES
                if (at == to) break
            }
            if (!accept(bytes.get(at++).toInt() and 0xFF)) return false
        }
        return true
    }

    private fun accept(byte: Int): Boolean {
        if (missing > 0) {
            if (byte !in lowest..highest) return false
            missing--
            lowest = CONTINUATION
            highest = LAST_CONTINUATION
            return true
        }
        when (byte) {
            in 0x00..0x7F -> {}
            in 0xC2..0xDF -> missing = 1
            in 0xE0..0xEF -> {
                missing = 2
                if (byte == 0xE0) lowest = 0xA0 // else it would have fitted into two
                if (byte == 0xED) highest = 0x9F // above are surrogates
            }
            in 0xF0..0xF4 -> {
                missing = 3
                if (byte == 0xF0) lowest = 0x90 // else it would have fitted into three
                if (byte == 0xF4) highest = 0x8F // above is beyond Unicode
            }
            else -> return false
        }
        return true
    }

    private companion object {
        const val CONTINUATION = 0x80
        const val LAST_CONTINUATION = 0xBF
        const val NOT_ASCII = -0x7f7f7f7f7f7f7f80L // the top bit of each byte
    }
}
