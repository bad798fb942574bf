package io.netpark.core.testing.tls

import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.EngineSource
import io.netpark.core.tls.ServerTls
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLEngineResult
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import javax.net.ssl.SSLEngineResult.Status
import javax.net.ssl.SSLSession

/**
 * An engine that does what a test says, and otherwise encrypts nothing: a record is a header and the plaintext. So a test can have what
 * real engines do once in a blue moon. It is past its handshake unless [status] says otherwise.
 */
open class ScriptedEngine : SSLEngine() {
    private val model: SSLEngine = SSLContext.getDefault().createSSLEngine()
    private var client = false

    @Volatile
    var status: HandshakeStatus = HandshakeStatus.NOT_HANDSHAKING

    /** How often somebody has asked for the [status]. */
    val looks = AtomicInteger()

    /** Who has called it, by name of the thread. */
    val threads: MutableSet<String> = java.util.concurrent.ConcurrentHashMap.newKeySet()

    val tasks = ConcurrentLinkedQueue<Runnable>()
    val released = AtomicInteger()

    @Volatile
    var outboundDone = false

    @Volatile
    var inboundDone = false

    /** What a wrap does instead of making a record. */
    @Volatile
    var wrapping: ((ByteBuffer) -> SSLEngineResult?)? = null

    /** What an unwrap does instead of opening a record. */
    @Volatile
    var unwrapping: ((ByteBuffer, ByteBuffer) -> SSLEngineResult?)? = null

    /** What happens first when it is to end its output. */
    @Volatile
    var closing: () -> Unit = {}

    fun result(status: Status = Status.OK, consumed: Int = 0, produced: Int = 0) = SSLEngineResult(status, this.status, consumed, produced)

    fun source(): EngineSource = EngineSource.releasing({ _, _ -> this }) { released.incrementAndGet() }

    fun server(configure: ServerTls.Builder.() -> Unit = {}): ServerTls = ServerTls.builder().engines(source()).apply(configure).build()

    fun client(configure: ClientTls.Builder.() -> Unit = {}): ClientTls = ClientTls.builder().engines(source()).apply(configure).build()

    override fun wrap(sources: Array<out ByteBuffer>, offset: Int, length: Int, record: ByteBuffer): SSLEngineResult {
        threads += Thread.currentThread().name
        wrapping?.invoke(record)?.let { return it }
        if (outboundDone) return result(Status.CLOSED)
        val parts = sources.slice(offset until offset + length)
        val size = minOf(parts.sumOf { it.remaining() }, 16 * 1024)
        if (size == 0) return result()
        record.put(23).putShort(0x303).putShort(size.toShort())
        var left = size
        for (part in parts) {
            val taken = minOf(left, part.remaining())
            record.put(part.slice(part.position(), taken))
            part.position(part.position() + taken)
            left -= taken
        }
        return result(consumed = size, produced = size + 5)
    }

    override fun unwrap(record: ByteBuffer, targets: Array<out ByteBuffer>, offset: Int, length: Int): SSLEngineResult {
        threads += Thread.currentThread().name
        val target = targets[offset]
        unwrapping?.invoke(record, target)?.let { return it }
        if (record.remaining() < 5) return result(Status.BUFFER_UNDERFLOW)
        val size = record.getShort(record.position() + 3).toInt() and 0xFFFF
        if (record.remaining() < size + 5) return result(Status.BUFFER_UNDERFLOW)
        if (target.remaining() < size) return result(Status.BUFFER_OVERFLOW)
        target.put(record.slice(record.position() + 5, size))
        record.position(record.position() + size + 5)
        return result(consumed = size + 5, produced = size)
    }

    override fun getDelegatedTask(): Runnable? = tasks.poll()

    override fun getHandshakeStatus(): HandshakeStatus {
        looks.incrementAndGet()
        threads += Thread.currentThread().name
        return status
    }

    override fun closeInbound() {
        inboundDone = true
    }

    override fun closeOutbound() {
        closing()
        outboundDone = true
    }

    override fun isInboundDone() = inboundDone

    override fun isOutboundDone() = outboundDone

    override fun beginHandshake() {}

    override fun getSession(): SSLSession = model.session

    override fun getUseClientMode() = client

    override fun setUseClientMode(mode: Boolean) {
        client = mode
    }

    override fun getSupportedCipherSuites(): Array<String> = model.supportedCipherSuites

    override fun getEnabledCipherSuites(): Array<String> = model.enabledCipherSuites

    override fun setEnabledCipherSuites(suites: Array<out String>) {}

    override fun getSupportedProtocols(): Array<String> = model.supportedProtocols

    override fun getEnabledProtocols(): Array<String> = model.enabledProtocols

    override fun setEnabledProtocols(protocols: Array<out String>) {}

    override fun setNeedClientAuth(need: Boolean) {}

    override fun getNeedClientAuth() = false

    override fun setWantClientAuth(want: Boolean) {}

    override fun getWantClientAuth() = false

    override fun setEnableSessionCreation(flag: Boolean) {}

    override fun getEnableSessionCreation() = true

    companion object {
        /** What it makes of some bytes. */
        fun record(bytes: ByteArray, type: Int = 23): ByteArray =
            byteArrayOf(type.toByte(), 3, 3, (bytes.size shr 8).toByte(), bytes.size.toByte()) + bytes
    }
}
