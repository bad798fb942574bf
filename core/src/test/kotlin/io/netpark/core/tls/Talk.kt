package io.netpark.core.tls

import java.nio.ByteBuffer
import java.time.Duration
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status

/** What comes of a handshake of two configurations in memory: two sessions, or a failure on either side, alerts included. */
internal class Talk(
    private val client: ClientTls,
    private val server: ServerTls,
    host: String? = "server.test",
    port: Int = 443,
) : AutoCloseable {
    private class Side(val tls: Tls, val engine: SSLEngine) {
        val arrived: ByteBuffer = ByteBuffer.allocate(1 shl 17)
        var failure: Throwable? = null
        var ended = false
    }

    private val begin = System.nanoTime()
    private val one = Side(client, Engines.of(client, host, port))
    private val other = Side(server, Engines.of(server, null, -1))

    val clientEngine: SSLEngine get() = one.engine
    val serverEngine: SSLEngine get() = other.engine
    val clientFailure: Throwable? get() = one.failure
    val serverFailure: Throwable? get() = other.failure

    /** Until nothing moves any more: tickets are read, and alerts. */
    fun handshake(): Talk {
        one.engine.beginHandshake()
        other.engine.beginHandshake()
        settle()
        return this
    }

    fun settle() {
        var idle = 0
        while (idle < 3) {
            idle = if (step(one, other) || step(other, one)) 0 else idle + 1
        }
    }

    /** As if these bytes had come from the client. */
    fun sendToServer(bytes: ByteArray) {
        other.arrived.put(bytes)
        settle()
    }

    fun sendToClient(bytes: ByteArray) {
        one.arrived.put(bytes)
        settle()
    }

    /** Encrypts at the client, and lets [change] do with the records what it wants before the server gets them. */
    fun say(text: String, change: (ByteArray) -> Unit) {
        val record = ByteBuffer.allocate(1 shl 16)
        one.engine.wrap(ByteBuffer.wrap(text.toByteArray()), record)
        sendToServer(record.array().copyOf(record.position()).also(change))
    }

    private fun step(from: Side, to: Side): Boolean = try {
        when (from.engine.handshakeStatus) {
            HandshakeStatus.NEED_TASK -> true.also { from.engine.delegatedTask?.run() }
            HandshakeStatus.NEED_WRAP -> wrap(from, to)
            else -> unwrap(from, to)
        }
    } catch (e: Exception) {
        if (from.failure == null) from.failure = e
        runCatching { flush(from, to) } // the alert
        false
    }

    private fun flush(from: Side, to: Side) {
        do {
            val more = wrap(from, to)
        } while (more && from.engine.handshakeStatus == HandshakeStatus.NEED_WRAP)
    }

    private fun flushAll(from: Side, to: Side) {
        do {
            val more = wrap(from, to)
        } while (more)
    }

    private fun wrap(from: Side, to: Side): Boolean {
        val result = from.engine.wrap(ByteBuffer.allocate(0), to.arrived)
        if (result.status == Status.CLOSED) from.ended = true
        return result.bytesProduced() > 0 || result.handshakeStatus == HandshakeStatus.NEED_TASK
    }

    private fun unwrap(side: Side, peer: Side): Boolean {
        if (side.failure != null || side.ended) return false
        val status = side.engine.handshakeStatus
        if (side.arrived.position() == 0 && status != HandshakeStatus.NEED_UNWRAP) return false
        side.arrived.flip()
        val result = try {
            side.engine.unwrap(side.arrived, ByteBuffer.allocate(1 shl 16))
        } finally {
            side.arrived.compact()
        }
        if (result.status == Status.CLOSED) side.ended = true
        // Netty's engine has an alert to send first, and throws afterwards.
        if (result.handshakeStatus == HandshakeStatus.NEED_WRAP) flushAll(side, peer)
        return result.bytesConsumed() > 0 || result.handshakeStatus != status
    }

    val clientSession: TlsSession get() = session(one)
    val serverSession: TlsSession get() = session(other)

    private fun session(side: Side): TlsSession {
        side.failure?.let { throw AssertionError("the handshake has failed", it) }
        check(side.engine.handshakeStatus == HandshakeStatus.NOT_HANDSHAKING) { "it waits for ${side.engine.handshakeStatus}" }
        return TlsSession.of(side.tls, side.engine, Duration.ofNanos(System.nanoTime() - begin))
    }

    override fun close() {
        for ((from, to) in listOf(one to other, other to one)) runCatching {
            from.engine.closeOutbound()
            flush(from, to)
        }
        settle()
        for (side in listOf(one, other)) Engines.release(side.tls, side.engine)
    }
}

/** Both sessions of a handshake that has to work. */
internal fun sessions(client: ClientTls, server: ServerTls, host: String? = "server.test", port: Int = 443): Pair<TlsSession, TlsSession> =
    Talk(client, server, host, port).use { talk ->
        talk.handshake()
        talk.clientFailure?.let { throw AssertionError("the client has failed", it) }
        talk.clientSession to talk.serverSession
    }

/** What the client sees of the server's names. */
internal val TlsSession.peerName: String get() = peerCertificates.first().subjectX500Principal.name.removePrefix("CN=")
