@file:JvmName("Frames")

package io.netpark.samples.websocket

import io.netpark.core.buffer.BufferWriter
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer

/** What a frame is (RFC 6455, 5.2). */
internal object Opcode {
    const val CONTINUATION = 0x0
    const val TEXT = 0x1
    const val BINARY = 0x2
    const val CLOSE = 0x8
    const val PING = 0x9
    const val PONG = 0xA

    /** The bit that control frames have. */
    const val CONTROL = 0x8
}

/** The most bytes of a control frame's payload. */
const val LONGEST_CONTROL: Int = 125

internal const val FINAL = 0x80
internal const val MASKED = 0x80
internal const val LENGTH_IN_SHORT = 126
internal const val LENGTH_IN_LONG = 127
internal const val LARGEST_SHORT = 0xFFFF

/**
 * Writes the head of a server's frame, which is not masked; [length] bytes of payload are to follow.
 *
 * @param kind what the frame is, whole: a server has no reason for fragments
 */
@Throws(NetparkException.LimitExceeded::class)
fun BufferWriter.writeFrameHead(kind: Arrival, length: Int) {
    putByte(FINAL or kind.opcode)
    when {
        length < LENGTH_IN_SHORT -> putByte(length)
        length <= LARGEST_SHORT -> {
            putByte(LENGTH_IN_SHORT)
            putShort(length)
        }
        else -> {
            putByte(LENGTH_IN_LONG)
            putLong(length.toLong())
        }
    }
}

/** A server's frame. As it is not masked, it is the same for every client, and made once for all of them. */
fun frame(kind: Arrival, payload: ByteArray): ByteArray {
    val frame = ByteBuffer.allocate(LONGEST_HEAD + payload.size)
    frame.put((FINAL or kind.opcode).toByte())
    when {
        payload.size < LENGTH_IN_SHORT -> frame.put(payload.size.toByte())
        payload.size <= LARGEST_SHORT -> frame.put(LENGTH_IN_SHORT.toByte()).putShort(payload.size.toShort())
        else -> frame.put(LENGTH_IN_LONG.toByte()).putLong(payload.size.toLong())
    }
    frame.put(payload)
    return frame.array().copyOf(frame.position())
}

/** A server's text frame. */
fun textFrame(text: String): ByteArray = frame(Arrival.TEXT, text.encodeToByteArray())

/** A frame that says that this is the end, and why; the reason is cut to what fits. Without a code it says no reason. */
fun closeFrame(code: Int?, reason: String = ""): ByteArray {
    if (code == null) return frame(Arrival.CLOSE, ByteArray(0))
    var text = reason.encodeToByteArray()
    if (text.size > LONGEST_CONTROL - Short.SIZE_BYTES) {
        var end = LONGEST_CONTROL - Short.SIZE_BYTES
        while (text[end].toInt() and 0xC0 == 0x80) end-- // not in the midst of a character
        text = text.copyOf(end)
    }
    return frame(Arrival.CLOSE, ByteBuffer.allocate(Short.SIZE_BYTES + text.size).putShort(code.toShort()).put(text).array())
}

private const val LONGEST_HEAD = 10
