package io.netpark.ktor.answers

import io.ktor.server.engine.EngineSSLConnectorConfig
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.TlsConfigurationException
import java.io.File

/**
 * How the connections of a connector are encrypted: with its key store, alias and passwords. Clients need certificates if it
 * has a trust store. The trust store of the JDK and its properties play no part.
 *
 * Key store and trust store are read once, here.
 *
 * @param setUp what the engine sets besides
 * @throws TlsConfigurationException there is no such alias, a password is wrong, or a file is of no use
 * @throws IllegalArgumentException a version of TLS is unknown, or is forbidden (RFC 8996)
 */
internal fun serverTls(connector: EngineSSLConnectorConfig, setUp: ServerTls.Builder.() -> Unit = {}): ServerTls {
    val builder = ServerTls.builder()
    builder.keyStore(connector.keyStore, connector.keyAlias, connector.privateKeyPassword())
    val trusted = connector.trustStore
    val trustedPath = connector.trustStorePath
    if (trusted != null) {
        builder.trustStore(trusted)
    } else if (trustedPath != null) {
        builder.trustStoreOf(trustedPath, connector.keyStorePassword)
    }
    if (trusted != null || trustedPath != null) builder.clientAuth(ClientAuth.NEEDED)
    connector.enabledProtocols?.let { builder.protocols(*it.toTypedArray()) }
    return builder.apply(setUp).build()
}

/** Ktor has no password for the file of a trust store: it has none, or that of the key store. */
private fun ServerTls.Builder.trustStoreOf(file: File, password: () -> CharArray) {
    val isProtected = file.isFile && file.inputStream().use { it.readNBytes(JKS.size) }.contentEquals(JKS).not()
    trustStore(file.toPath(), if (isProtected) password() else null)
}

/** The first bytes of a key store of the old form, which can be read without its password. */
private val JKS = byteArrayOf(0xFE.toByte(), 0xED.toByte(), 0xFE.toByte(), 0xED.toByte())
