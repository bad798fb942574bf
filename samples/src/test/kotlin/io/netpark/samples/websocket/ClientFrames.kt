package io.netpark.samples.websocket

import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import kotlin.experimental.xor

/** A client's frame, right or wrong in any way. */
fun clientFrame(
    opcode: Int,
    payload: ByteArray = ByteArray(0),
    fin: Boolean = true,
    mask: ByteArray? = byteArrayOf(0x12, 0x34, 0x56, 0x78),
    rsv: Int = 0,
    lengthBytes: Int = if (payload.size < 126) 0 else if (payload.size < 65536) 2 else 8,
    length: Long = payload.size.toLong(),
): ByteArray {
    val bytes = ByteArrayOutputStream()
    DataOutputStream(bytes).apply {
        writeByte((if (fin) 0x80 else 0) or (rsv shl 4) or opcode)
        val masked = if (mask != null) 0x80 else 0
        when (lengthBytes) {
            0 -> writeByte(masked or length.toInt())
            2 -> { writeByte(masked or 126); writeShort(length.toInt()) }
            else -> { writeByte(masked or 127); writeLong(length) }
        }
        if (mask != null) write(mask)
        write(if (mask == null) payload else ByteArray(payload.size) { payload[it] xor mask[it % 4] })
    }
    return bytes.toByteArray()
}

fun clientFrame(opcode: Int, text: String, fin: Boolean = true): ByteArray = clientFrame(opcode, text.encodeToByteArray(), fin)

fun closePayload(code: Int, reason: ByteArray = ByteArray(0)): ByteArray =
    byteArrayOf((code shr 8).toByte(), code.toByte()) + reason

const val CONTINUATION = 0
const val TEXT = 1
const val BINARY = 2
const val CLOSE = 8
const val PING = 9
const val PONG = 10

/** Everything that a client may not send, with the close code that it gets: RFC 6455, by section. The message limit is 64 KiB. */
val VIOLATIONS: Map<String, Pair<Int, ByteArray>> = buildMap {
    for (rsv in listOf(1, 2, 4)) put("reserved bit $rsv (5.2)", 1002 to clientFrame(TEXT, "x".encodeToByteArray(), rsv = rsv))
    for (opcode in (3..7) + (11..15)) put("opcode $opcode (5.2)", 1002 to clientFrame(opcode))
    put("no mask (5.1)", 1002 to clientFrame(TEXT, "x".encodeToByteArray(), mask = null))
    put("no mask of a control frame", 1002 to clientFrame(PING, mask = null))
    put("a length of 16 bits that fits into 7 (5.2)", 1002 to clientFrame(BINARY, ByteArray(125), lengthBytes = 2))
    put("a length of 64 bits that fits into 16", 1002 to clientFrame(BINARY, ByteArray(300), lengthBytes = 8))
    put("a length with the highest bit", 1002 to clientFrame(BINARY, lengthBytes = 8, length = Long.MIN_VALUE))
    for (opcode in listOf(CLOSE, PING, PONG)) {
        put("fragmented control frame $opcode (5.5)", 1002 to clientFrame(opcode, fin = false))
        put("control frame $opcode of 126 bytes", 1002 to clientFrame(opcode, ByteArray(126)))
    }
    put("a continuation of nothing (5.4)", 1002 to clientFrame(CONTINUATION, "x"))
    put("a continuation of what has ended", 1002 to clientFrame(PING, "x") + clientFrame(CONTINUATION, "x"))
    put("a message within another", 1002 to clientFrame(TEXT, "a", fin = false) + clientFrame(TEXT, "b"))
    put("a binary message within another", 1002 to clientFrame(TEXT, "a", fin = false) + clientFrame(BINARY, "b"))
    put("a close code of one byte (5.5.1)", 1002 to clientFrame(CLOSE, ByteArray(1)))
    for (code in listOf(0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)) {
        put("close code $code (7.4)", 1002 to clientFrame(CLOSE, closePayload(code)))
    }
    put("a close reason that is not UTF-8", 1007 to clientFrame(CLOSE, closePayload(1000, bytes(0xC3, 0x28))))
    put("a close reason that breaks off", 1007 to clientFrame(CLOSE, closePayload(1000, bytes(0xE2, 0x82))))
    put("text that is not UTF-8 (8.1)", 1007 to clientFrame(TEXT, bytes(0x61, 0xFF)))
    put("text that breaks off in a character", 1007 to clientFrame(TEXT, bytes(0xE2, 0x82)))
    put("text in two fragments, wrong at the seam",
        1007 to clientFrame(TEXT, bytes(0xC3), fin = false) + clientFrame(CONTINUATION, bytes(0x28), fin = false))
    put("text in two fragments that breaks off",
        1007 to clientFrame(TEXT, bytes(0x61, 0xF0), fin = false) + clientFrame(CONTINUATION, bytes(0x9F, 0x98)))
    put("text that is wrong before it is complete", 1007 to clientFrame(TEXT, bytes(0xED, 0xA0, 0x80), length = 100))
    put("a frame over the limit (10.4)", 1009 to clientFrame(BINARY, lengthBytes = 8, length = 65537))
    put("fragments over the limit",
        1009 to clientFrame(BINARY, ByteArray(65536), fin = false) + clientFrame(CONTINUATION, lengthBytes = 0, length = 1))
}

fun bytes(vararg values: Int): ByteArray = ByteArray(values.size) { values[it].toByte() }
