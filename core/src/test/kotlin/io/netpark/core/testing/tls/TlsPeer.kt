package io.netpark.core.testing.tls

import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.testing.BlockingConnection
import java.io.ByteArrayOutputStream
import java.io.EOFException
import java.nio.ByteBuffer
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status

/** A peer that speaks TLS by an engine of its own over a plain connection, so that a test has its records in hand. */
class TlsPeer(val plain: BlockingConnection, val engine: SSLEngine) {
    private var arrived: ByteBuffer = ByteBuffer.allocate(256 * 1024).limit(0)
    private val data = ByteArrayOutputStream()

    /** The peer has ended its output by close_notify. */
    var isEnded = false
        private set

    /** What goes out passes through this: cut it, hold it back, spoil it. */
    var send: (ByteArray) -> Unit = { plain.write(it) }

    /** What the engine makes of some plaintext, not sent. */
    fun seal(bytes: ByteArray): ByteArray {
        val out = ByteArrayOutputStream()
        val source = ByteBuffer.wrap(bytes)
        do out.write(wrap(source)) while (source.hasRemaining() || engine.handshakeStatus == HandshakeStatus.NEED_WRAP)
        return out.toByteArray()
    }

    private fun wrap(source: ByteBuffer): ByteArray {
        val record = ByteBuffer.allocate(engine.session.packetBufferSize)
        val result = engine.wrap(source, record)
        check(result.status == Status.OK || result.status == Status.CLOSED) { result }
        return record.array().copyOf(record.position())
    }

    fun handshake(): TlsPeer {
        engine.beginHandshake()
        while (true) {
            when (engine.handshakeStatus) {
                HandshakeStatus.NEED_TASK -> engine.delegatedTask.run()
                HandshakeStatus.NEED_WRAP -> wrap(ByteBuffer.allocate(0)).let { if (it.isNotEmpty()) send(it) }
                HandshakeStatus.NEED_UNWRAP -> if (!unwrap() && engine.handshakeStatus == HandshakeStatus.NEED_UNWRAP) receive()
                else -> return this
            }
        }
    }

    /** Unwraps one record of what has arrived. False if there is no whole one. */
    fun unwrap(): Boolean {
        val clear = ByteBuffer.allocate(18 * 1024)
        val result = engine.unwrap(arrived, clear)
        data.write(clear.array(), 0, clear.position())
        if (engine.isInboundDone) isEnded = true
        return result.bytesConsumed() > 0
    }

    fun receive() {
        arrived.compact()
        if (plain.read(arrived) == ConnectionDescriptor.END_OF_STREAM) {
            arrived.flip()
            throw EOFException("the connection has ended")
        }
        arrived.flip()
    }

    /** Answers, tickets and key updates that the engine wants to send. */
    fun answer() {
        while (engine.handshakeStatus == HandshakeStatus.NEED_WRAP) {
            val answer = wrap(ByteBuffer.allocate(0))
            if (answer.isEmpty()) break
            send(answer)
        }
    }

    fun write(bytes: ByteArray) = send(seal(bytes))

    fun write(text: String) = write(text.toByteArray())

    fun read(count: Int): ByteArray {
        while (data.size() < count) {
            if (!unwrap()) receive()
            answer()
        }
        val all = data.toByteArray()
        data.reset()
        data.write(all, count, all.size - count)
        return all.copyOf(count)
    }

    fun readText(count: Int) = String(read(count))

    /** Reads to the end of the stream; true if that was a close_notify, and no data came in front of it. */
    fun readsEnd(): Boolean = isEndedInOrder() && data.size() == 0

    /** Reads to the end of the stream, and keeps what is in front of it; true if that was a close_notify. */
    fun isEndedInOrder(): Boolean {
        while (!isEnded) {
            try {
                if (!unwrap()) receive()
            } catch (_: EOFException) {
                return false
            }
        }
        return true
    }

    /** An update of the keys, which asks for another: as TLS 1.3 has it, and an engine of the JDK. */
    fun keyUpdate(): ByteArray {
        engine.beginHandshake()
        return seal(ByteArray(0))
    }

    /** Sends close_notify. */
    fun end() {
        engine.closeOutbound()
        send(seal(ByteArray(0)))
    }

    /** Sends an alert, which its engine makes of something that it cannot decrypt. */
    fun sendAlert() {
        runCatching { engine.unwrap(ByteBuffer.wrap(byteArrayOf(23, 3, 3, 0, 40) + ByteArray(40)), ByteBuffer.allocate(20_000)) }
        answer()
    }
}
