package io.netpark.samples

import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import java.nio.file.Files
import java.nio.file.Path
import java.security.KeyStore
import java.security.MessageDigest
import java.util.Base64
import java.util.concurrent.TimeUnit
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocket
import javax.net.ssl.SSLSocketFactory
import javax.net.ssl.TrustManagerFactory

/** An authority, what it has signed for a server of this machine and for a client, and all of it in files. */
internal object Certificates {

    private val folder: Path = Files.createTempDirectory("certificates").apply { toFile().deleteOnExit() }

    val authority: Authority = Authority.root("Samples")
    private val client: Identity = authority.issueClient("Ada")
    val ca: Path = kept("ca.pem").also { authority.write(it) }
    private val serverIdentity: Identity = authority.issue("localhost", "127.0.0.1", "::1")
    val server: Kept = files("server", serverIdentity)
    val ofClient: Kept = files("client", client)

    /** What a server is told for TLS by these. */
    val options: Array<String> = arrayOf("--tls", "--cert", "${server.certificate}", "--key", "${server.key}")

    /** As [options], for a server that wants certificates of clients. */
    val mutual: Array<String> = arrayOf(*options, "--client-ca", "$ca")

    /** What curl, redis-cli and the samples are told, to show a certificate. */
    val shown: Array<String> = arrayOf("--cert", "${ofClient.certificate}", "--key", "${ofClient.key}")

    /** What Chromium is told, which takes no file of authorities: the hash of the server's key (RFC 7469, 2.4), to trust it by. */
    val pin: String by lazy {
        val key = serverIdentity.certificate().publicKey.encoded
        Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(key))
    }

    /** A certificate with its chain, and its key. */
    class Kept(val certificate: Path, val key: Path)

    fun files(name: String, identity: Identity): Kept =
        Kept(identity.writeChain(kept("$name.pem")), identity.writeKey(kept("$name.key")))

    private fun kept(name: String): Path = folder.resolve(name).apply { toFile().deleteOnExit() }

    /** The JDK's own TLS, which trusts the authority. */
    val sockets: SSLSocketFactory by lazy { context().socketFactory }

    fun context(): SSLContext = SSLContext.getInstance("TLS").apply {
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(authority.trustStore()) }
        val keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm()).apply { init(null as KeyStore?, null) }
        init(keys.keyManagers, trust.trustManagers, null)
    }

    /** A plain blocking client over TLS, whose handshake is over. */
    fun dial(
        port: Int,
        vararg protocols: String = arrayOf("TLSv1.3", "TLSv1.2"),
        from: SSLSocketFactory = sockets,
    ): SSLSocket =
        (from.createSocket("127.0.0.1", port) as SSLSocket).apply {
            soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            tcpNoDelay = true
            enabledProtocols = arrayOf(*protocols)
            sslParameters = sslParameters.apply { endpointIdentificationAlgorithm = "HTTPS" }
            startHandshake()
        }
}

/** Runs a program of others to its end, with something on its standard input, and returns what it has said, and its status. */
internal fun program(vararg command: String, input: String = ""): Pair<String, Int> {
    val process = ProcessBuilder(*command).redirectErrorStream(true).start()
    try {
        process.outputStream.use { it.write(input.toByteArray()) }
        val said = process.inputStream.bufferedReader().readText()
        return said to process.waitFor()
    } finally {
        process.destroyForcibly() // nothing, if it has ended
    }
}
