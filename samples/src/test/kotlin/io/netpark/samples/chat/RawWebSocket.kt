package io.netpark.samples.chat

import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.websocket.CLOSE
import io.netpark.samples.websocket.PING
import io.netpark.samples.websocket.PONG
import io.netpark.samples.websocket.TEXT
import io.netpark.samples.websocket.clientFrame
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.io.DataInputStream
import java.io.EOFException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.ByteBuffer
import java.util.concurrent.TimeUnit

/**
 * A WebSocket of bytes: it does nothing by itself, so everything can be done wrong.
 *
 * @property socket what is connected to the server, over TLS or not
 */
class RawWebSocket(val socket: Socket, path: String = "/chat") : AutoCloseable {

    constructor(port: Int, path: String = "/chat", receiveBuffer: Int? = null) : this(plain(port, receiveBuffer), path)

    class Frame(val opcode: Int, val payload: ByteArray) {
        val text: String get() = payload.decodeToString()
        val closeCode: Int? get() = if (payload.isEmpty()) null else ByteBuffer.wrap(payload).short.toInt() and 0xFFFF
        val closeReason: String get() = payload.drop(2).toByteArray().decodeToString()
    }

    private val input = DataInputStream(socket.getInputStream().buffered())

    init {
        send("GET $path HTTP/1.1\r\nHost: 127.0.0.1:${socket.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        val status = line()
        check(status.startsWith("HTTP/1.1 101 ")) { status }
        while (true) if (line().isEmpty()) break
    }

    private fun line(): String = buildString {
        while (!endsWith("\r\n")) append(input.readByte().toInt().toChar())
        setLength(length - 2)
    }

    private fun send(text: String) = send(text.encodeToByteArray())

    fun send(bytes: ByteArray) = socket.getOutputStream().write(bytes)

    /** The next frame of the server's, which must not be masked or fragmented; null at the end of the stream. */
    fun frame(): Frame? {
        val first = input.read()
        if (first < 0) return null
        check(first and 0xF0 == 0x80) { "first byte $first" }
        val length = when (val short = input.readUnsignedByte()) {
            126 -> input.readUnsignedShort()
            127 -> input.readLong().toInt()
            in 0..125 -> short
            else -> throw EOFException("a server's frame is masked: $short")
        }
        return Frame(first and 0x0F, input.readNBytes(length))
    }

    /** The close frame, behind whatever comes before it. */
    fun awaitClose(): Frame {
        while (true) {
            val frame = checkNotNull(frame()) { "the end without a close frame" }
            if (frame.opcode == CLOSE) return frame
        }
    }

    // Chat

    fun say(text: String) = send(clientFrame(TEXT, buildJsonObject { put("type", "say"); put("text", text) }.toString()))

    /** Returns who is here. */
    fun join(name: String, token: String = ""): List<String> {
        askToJoin(name, token)
        return news("welcome").getValue("here").jsonArray.map { it.jsonPrimitive.content }
    }

    fun askToJoin(name: String, token: String = "") =
        send(clientFrame(TEXT, buildJsonObject { put("type", "join"); put("name", name); put("token", token) }.toString()))

    /** The next message of one of these types; pings are answered meanwhile. */
    fun news(vararg types: String): JsonObject {
        while (true) {
            val frame = checkNotNull(frame()) { "the end instead of ${types.toList()}" }
            when (frame.opcode) {
                PING -> send(clientFrame(PONG, frame.payload))
                PONG -> {}
                TEXT -> (Json.parseToJsonElement(frame.text) as JsonObject).let { if (it.string("type") in types) return it }
                else -> error("opcode ${frame.opcode} ${frame.closeCode} ${frame.closeReason} instead of ${types.toList()}")
            }
        }
    }

    fun text(type: String, key: String): String = news(type).string(key)

    /** Talks, no faster than it hears itself, until somebody has left. Returns why. */
    fun talkUntilSomebodyLeaves(): String {
        var unheard = 0
        while (true) {
            while (unheard < 30) say("€".repeat(2000)).also { unheard++ }
            val news = news("said", "left")
            if (news.string("type") == "left") return news.string("reason")
            unheard--
        }
    }

    private fun JsonObject.string(key: String): String = getValue(key).jsonPrimitive.content

    override fun close() = socket.close()

    private companion object {
        fun plain(port: Int, receiveBuffer: Int?) = Socket().apply {
            receiveBuffer?.let { receiveBufferSize = it }
            connect(InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            tcpNoDelay = true
        }
    }
}
