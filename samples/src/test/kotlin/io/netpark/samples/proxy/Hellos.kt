package io.netpark.samples.proxy

import java.nio.ByteBuffer
import javax.net.ssl.SNIHostName
import javax.net.ssl.SSLContext

private const val HEADER = 5

/** The first flight of a client of the JDK's: one record. */
internal fun clientHello(serverName: String?, protocol: String = "TLSv1.3"): ByteArray {
    val engine = SSLContext.getDefault().createSSLEngine().apply {
        useClientMode = true
        enabledProtocols = arrayOf(protocol)
        sslParameters = sslParameters.apply { serverNames = listOfNotNull(serverName?.let(::SNIHostName)) }
        beginHandshake()
    }
    val record = ByteBuffer.allocate(engine.session.packetBufferSize)
    engine.wrap(ByteBuffer.allocate(0), record)
    return record.array().copyOf(record.position())
}

/** A record of a handshake. */
internal fun record(content: ByteArray): ByteArray =
    byteArrayOf(22, 3, 1, (content.size shr 8).toByte(), content.size.toByte()) + content

/** The same message in records that hold so many bytes of it each. */
internal fun cutIntoRecords(flight: ByteArray, size: Int): ByteArray =
    flight.drop(HEADER).chunked(size).map { record(it.toByteArray()) }.fold(ByteArray(0), ByteArray::plus)
