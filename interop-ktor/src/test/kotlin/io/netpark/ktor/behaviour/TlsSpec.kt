package io.netpark.ktor.behaviour

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.client.HttpClient
import io.ktor.client.engine.cio.CIO
import io.ktor.client.request.get
import io.ktor.client.statement.bodyAsText
import io.ktor.network.tls.addKeyStore
import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.EngineSSLConnectorBuilder
import io.ktor.server.engine.connector
import io.ktor.server.engine.sslConnector
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.KeyKind
import kotlinx.coroutines.runBlocking
import java.io.IOException
import java.net.Socket
import java.nio.file.Files
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLException
import javax.net.ssl.SSLSocket
import javax.net.ssl.TrustManager
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager

private val password = { Certificates.PASSWORD.toCharArray() }

private fun ApplicationEngine.Configuration.secure(
    alias: String = Certificates.ALIAS,
    more: EngineSSLConnectorBuilder.() -> Unit = {},
) = sslConnector(Certificates.keyStore, alias, password, password) {
    host = "127.0.0.1"
    port = 0
    more()
}

private fun trustManagers(): Array<TrustManager> =
    TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
        .apply { init(Certificates.root.trustStore()) }.trustManagers

/** Connectors with TLS: whom they let in, and what they show. */
class TlsSpec : NetparkSpec(leaksMatter = false, body = {
    fun securely(name: String, test: suspend () -> Unit) = test(name).config(enabled = Subject.ofThisRun.servesTls) { test() }

    fun served(configure: ApplicationEngine.Configuration.() -> Unit, body: (Site) -> Unit) =
        RunningApplication(configure = configure) {
            routing { get("/") { call.respondText("Hello World ${call.request.local.scheme}") } }
        }.use { body(it.over(Scheme.HTTPS)) }

    securely("a client with a certificate is let in by Ktor's own client, and no other") {
        // Ktor's client shows certificates with keys of RSA only, and signs as their issuer has signed: both have to be of RSA.
        val clients = Authority.root("Authority of clients", KeyKind.RSA)
        val identity = clients.order().commonName("client").forClients().key(KeyKind.RSA).issue()
        served({ secure { trustStore = clients.trustStore() } }) { site ->
            HttpClient(CIO) {
                engine {
                    https {
                        trustManager = trustManagers().first() as X509TrustManager
                        addKeyStore(identity.keyStore("client", Certificates.PASSWORD), Certificates.PASSWORD.toCharArray())
                    }
                }
            }.use { client ->
                runBlocking { client.get("https://localhost:${site.port}").bodyAsText() shouldBe "Hello World https" }
            }
            // TLS 1.3: the client learns that it is not wanted when it reads.
            shouldThrow<IOException> { site.ask(get("/")) }
        }
    }

    for (protocol in listOf("TLSv1.2", "TLSv1.3")) {
        securely("a client with a certificate of an elliptic curve is let in by $protocol") {
            val identity = Certificates.root.issueClient("client").keyStore("client", Certificates.PASSWORD)
            val keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm())
            keys.init(identity, Certificates.PASSWORD.toCharArray())
            val context = SSLContext.getInstance("TLS").apply { init(keys.keyManagers, trustManagers(), null) }
            served({ secure { trustStore = Certificates.root.trustStore() } }) { site ->
                val plain = Socket("127.0.0.1", site.port).apply { soTimeout = SOON.inWholeMilliseconds.toInt() }
                val socket = context.socketFactory.createSocket(plain, "localhost", site.port, true) as SSLSocket
                socket.enabledProtocols = arrayOf(protocol)
                Peer(socket, plain).use {
                    it.send(get("/", "Connection: close"))
                    it.answer().text shouldBe "Hello World https"
                    socket.session.protocol shouldBe protocol
                }
            }
        }
    }

    securely("a trust store in a file") {
        val file = Certificates.root.writePkcs12(Files.createTempFile("trust", ".p12"), Certificates.PASSWORD)
        try {
            served({ secure { trustStorePath = file.toFile() } }) { site ->
                shouldThrow<IOException> { site.ask(get("/")) }
            }
        } finally {
            Files.delete(file)
        }
    }

    securely("only the protocols that are enabled are spoken") {
        fun Site.handshake(protocol: String): String {
            val socket = Certificates.context.socketFactory.createSocket(Socket("127.0.0.1", port), "localhost", port, true)
            return (socket as SSLSocket).use {
                it.enabledProtocols = arrayOf(protocol)
                it.startHandshake()
                it.session.protocol
            }
        }
        served({ secure { enabledProtocols = listOf("TLSv1.2") } }) { site ->
            site.handshake("TLSv1.2") shouldBe "TLSv1.2"
            shouldThrow<SSLException> { site.handshake("TLSv1.3") }
            site.ask(get("/")).status shouldBe 200
        }
    }

    securely("an alias that is not in the key store: start fails and names it, and nothing is left") {
        val failure = runCatching { served({ secure(alias = "nobody") }) { } }.exceptionOrNull()
        generateSequence(failure) { it.cause }.joinToString { "$it" } shouldContain "nobody"
    }

    securely("http to the port of https, and https to that of http: an end, and the next is served") {
        RunningApplication { routing { get("/") { call.respondText("OK") } } }.use { running ->
            val (plain, secure) = Scheme.entries.map { running.over(it) }
            Site(Scheme.HTTP, secure.port).connect().use { peer ->
                peer.send(get("/"))
                runCatching { peer.rest() }
            }
            shouldThrow<IOException> { Site(Scheme.HTTPS, plain.port).connect() }
            for (site in running.sites) site.ask(get("/")).text shouldBe "OK"
        }
    }

    test("an engine without TLS says so").config(enabled = !Subject.ofThisRun.servesTls) {
        shouldThrow<UnsupportedOperationException> { RunningApplication(configure = { secure() }) { } }
    }

    securely("a connector with TLS beside one without: a call knows by which it came") {
        RunningApplication(configure = {
            connector { host = "127.0.0.1"; port = 0 }
            secure()
        }) { routing { get("/") { call.respondText(call.request.local.scheme) } } }.use { running ->
            running.over(Scheme.HTTP).ask(get("/")).text shouldBe "http"
            running.over(Scheme.HTTPS).ask(get("/")).text shouldBe "https"
        }
    }
})
