package io.netpark.coroutines.tls

import io.netpark.core.tls.Engines
import io.netpark.core.tls.Tls
import io.netpark.coroutines.Connection
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status

private const val LARGEST_RECORD = 18 * 1024
private val NOTHING: ByteBuffer = ByteBuffer.allocate(0)

/**
 * One end of TLS whose engine is worked by hand, upon a plain connection: so a test can cut off, hold back and add what it likes.
 *
 * @param host what a client has dialed
 */
class HandMadeTls(private val wire: Connection, tls: Tls, host: String? = null) {

    private val engine: SSLEngine = Engines.of(tls, host, -1)
    private val arrived = ByteBuffer.allocate(4 * LARGEST_RECORD)

    init {
        engine.beginHandshake()
    }

    /** Does the handshake but for the last that this side has to say, which is returned. */
    suspend fun handshakeToLastFlight(): ByteArray {
        while (true) {
            val said = say()
            if (isDone()) return said
            wire.write(said)
            arrive()
        }
    }

    suspend fun handshake() = wire.write(handshakeToLastFlight())

    /** What this side has to say in the handshake, or besides, before it needs more of the peer. */
    fun say(): ByteArray {
        val said = ByteArrayOutputStream()
        while (true) {
            when (engine.handshakeStatus) {
                HandshakeStatus.NEED_TASK -> engine.delegatedTask?.run()
                HandshakeStatus.NEED_WRAP -> said.write(wrap(NOTHING))
                HandshakeStatus.NEED_UNWRAP, HandshakeStatus.NEED_UNWRAP_AGAIN -> if (unwrap() == null) return said.toByteArray()
                else -> return said.toByteArray()
            }
        }
    }

    private fun isDone() = engine.handshakeStatus.let { it == HandshakeStatus.NOT_HANDSHAKING || it == HandshakeStatus.FINISHED }

    /** The record of some bytes. */
    fun seal(text: String): ByteArray = wrap(ByteBuffer.wrap(text.toByteArray()))

    /** The record that ends the output. */
    fun closeNotify(): ByteArray {
        engine.closeOutbound()
        return wrap(NOTHING)
    }

    /** A record that the peer has to answer, and that has no data (RFC 8446, 4.6.3). */
    fun keyUpdate(): ByteArray {
        engine.beginHandshake()
        return say()
    }

    private fun wrap(source: ByteBuffer): ByteArray {
        val record = ByteBuffer.allocate(LARGEST_RECORD)
        engine.wrap(source, record)
        return record.flip().let { ByteArray(it.remaining()).also(it::get) }
    }

    /** The plaintext of one record; null if there is none. */
    private fun unwrap(): ByteArray? {
        val text = ByteBuffer.allocate(LARGEST_RECORD)
        arrived.flip()
        val result = engine.unwrap(arrived, text)
        arrived.compact()
        return if (result.status == Status.BUFFER_UNDERFLOW) null else text.flip().let { ByteArray(it.remaining()).also(it::get) }
    }

    private suspend fun arrive() {
        check(wire.read(arrived) != Connection.END_OF_STREAM) { "the peer has left" }
    }

    /** Reads what has as many bytes as this. */
    suspend fun readText(length: Int): String {
        val text = ByteArrayOutputStream()
        while (text.size() < length) {
            val part = unwrap()
            while (engine.handshakeStatus == HandshakeStatus.NEED_TASK) engine.delegatedTask?.run()
            if (part == null) arrive() else text.write(part)
        }
        return text.toString()
    }
}
