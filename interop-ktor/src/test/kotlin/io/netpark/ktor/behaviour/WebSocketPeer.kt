package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.random.Random

/** A client of WebSocket (RFC 6455) that has its frames in its own hands. */
class WebSocketPeer(site: Site, path: String, vararg fields: String) : AutoCloseable {

    val peer: Peer = site.connect()

    /** How the server has agreed. */
    val agreement: Answer

    init {
        peer.send(
            get(
                path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13", *fields,
            ),
        )
        agreement = peer.answerHead()
        if (agreement.status == 503) { // a server that stops cancels calls, also those that are about to agree
            peer.close()
            throw IOException("the server stops")
        }
        agreement.status shouldBe 101
        agreement["Sec-WebSocket-Accept"] shouldBe "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // RFC 6455, 1.3
    }

    class Frame(val first: Int, val payload: ByteArray) {
        val opcode get() = first and 0x0f
        val isFinal get() = first and 0x80 != 0
        val text get() = payload.decodeToString()

        /** What a close frame says, or null if it says nothing. */
        val reason: Int? get() = if (payload.size < 2) null else ByteBuffer.wrap(payload).short.toInt() and 0xffff
    }

    /** A frame as it goes out: masked, as a client has to (5.3). */
    fun bytes(opcode: Int, payload: ByteArray, isFinal: Boolean = true, reserved: Int = 0, isMasked: Boolean = true): ByteArray {
        val out = ByteArrayOutputStream()
        out.write((if (isFinal) 0x80 else 0) or (reserved shl 4) or opcode)
        val mask = if (isMasked) 0x80 else 0
        when {
            payload.size < 126 -> out.write(mask or payload.size)
            payload.size <= 0xffff -> {
                out.write(mask or 126)
                out.write(ByteBuffer.allocate(2).putShort(payload.size.toShort()).array())
            }
            else -> {
                out.write(mask or 127)
                out.write(ByteBuffer.allocate(8).putLong(payload.size.toLong()).array())
            }
        }
        if (!isMasked) return out.toByteArray() + payload
        val key = Random.nextBytes(4)
        out.write(key)
        out.write(ByteArray(payload.size) { (payload[it].toInt() xor key[it and 3].toInt()).toByte() })
        return out.toByteArray()
    }

    fun send(opcode: Int, payload: ByteArray, isFinal: Boolean = true, reserved: Int = 0) =
        peer.send(bytes(opcode, payload, isFinal, reserved))

    fun send(text: String) = send(TEXT, text.toByteArray())

    fun sendClose(code: Int = 1000) = send(CLOSE, ByteBuffer.allocate(2).putShort(code.toShort()).array())

    fun frame(): Frame {
        val first = peer.exactly(1)[0].toInt() and 0xff
        val second = peer.exactly(1)[0].toInt() and 0xff
        check(second and 0x80 == 0) { "a server masks nothing" }
        val length = when (val short = second and 0x7f) {
            126 -> ByteBuffer.wrap(peer.exactly(2)).short.toLong() and 0xffff
            127 -> ByteBuffer.wrap(peer.exactly(8)).long
            else -> short.toLong()
        }
        return Frame(first, peer.exactly(length.toInt()))
    }

    /** The next frame that is no ping. */
    fun message(): Frame {
        while (true) return frame().takeIf { it.opcode != PING } ?: continue
    }

    /** What comes next is the end, with such a reason. */
    fun shouldClose(code: Int = 1000) {
        val frame = message()
        check(frame.opcode == CLOSE) { "opcode ${frame.opcode}: ${frame.text}" }
        frame.reason shouldBe code
    }

    override fun close() = peer.close()

    companion object {
        const val CONTINUATION = 0
        const val TEXT = 1
        const val BINARY = 2
        const val CLOSE = 8
        const val PING = 9
        const val PONG = 10
    }
}
