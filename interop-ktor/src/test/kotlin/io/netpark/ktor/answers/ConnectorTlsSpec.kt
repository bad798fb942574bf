package io.netpark.ktor.answers

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.engine.EngineSSLConnectorBuilder
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.TlsConfigurationException
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.tls.awaitTls
import java.io.File
import java.nio.file.Files
import kotlin.time.Duration
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking

/** TLS of a connector, as Ktor describes it. */
class ConnectorTlsSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of the connectors")
    val clients = Authority.root("Authority of the clients")
    val store = root.issue("localhost", "127.0.0.1").keyStore("service", "secret")

    fun connector(
        alias: String = "service",
        password: String = "secret",
        setUp: EngineSSLConnectorBuilder.() -> Unit = {},
    ) = EngineSSLConnectorBuilder(store, alias, { "unused".toCharArray() }, { password.toCharArray() }).apply(setUp)

    /** What a handshake with a client has agreed on; the failure if there is none. */
    fun handshake(tls: ServerTls, client: ClientTls.Builder.() -> Unit = {}) = Reactor(1) { daemon(true) }.use { reactor ->
        runBlocking {
            runCatching {
                reactor.listen(loopback(), tls = tls).use { listener ->
                    coroutineScope {
                        val server = async {
                            listener.accept().use { accepted ->
                                accepted.awaitTls()
                                accepted.tlsSession!!.protocol()
                            }
                        }
                        val clientTls = ClientTls.builder().trust(listOf(root.certificate())).apply(client).build()
                        reactor.dial(listener.localAddress, Duration.INFINITE, tls = clientTls).use { it.awaitTls() }
                        server.await()
                    }
                }
            }
        }
    }

    test("a key store serves clients") {
        handshake(serverTls(connector())).getOrThrow() shouldBe "TLSv1.3"
    }

    test("the versions are those that are enabled") {
        handshake(serverTls(connector { enabledProtocols = listOf("TLSv1.2") })).getOrThrow() shouldBe "TLSv1.2"
    }

    test("versions that are broken are refused, and said to be") {
        shouldThrow<IllegalArgumentException> { serverTls(connector { enabledProtocols = listOf("TLSv1.1") }) }
            .message.orEmpty() shouldContain "TLSv1.1 is broken"
    }

    test("an alias that is not there is named") {
        shouldThrow<TlsConfigurationException> { serverTls(connector(alias = "other")) }.message.orEmpty() shouldContain "other"
    }

    test("a wrong password is said to be wrong, and is not told") {
        val message = shouldThrow<TlsConfigurationException> { serverTls(connector(password = "guess")) }.message.orEmpty()
        message shouldContain "password"
        message.contains("guess") shouldBe false
    }

    fun shouldNeedCertificates(setUp: EngineSSLConnectorBuilder.() -> Unit) {
        val tls = serverTls(connector(setUp = setUp))
        tls.clientAuth() shouldBe ClientAuth.NEEDED
        val known = clients.issueClient("somebody")
        handshake(tls) { certificate(known.chain(), known.key()) }.isSuccess shouldBe true
        val unknown = Authority.root("Another authority").issueClient("nobody")
        handshake(tls) { certificate(unknown.chain(), unknown.key()) }.isFailure shouldBe true
        handshake(tls).isFailure shouldBe true
    }

    test("with a trust store, clients need certificates") {
        shouldNeedCertificates { trustStore = clients.trustStore() }
    }

    test("a trust store may be a file, with the password of the key store") {
        val file = Files.createTempFile("trust", ".p12")
        clients.writePkcs12(file, "unused")
        shouldNeedCertificates { trustStorePath = file.toFile() }
        Files.delete(file)
    }

    test("a trust store that is not there is named") {
        shouldThrow<TlsConfigurationException> { serverTls(connector { trustStorePath = File("/nowhere/trust.p12") }) }
            .message.orEmpty() shouldContain "/nowhere/trust.p12"
    }

    test("without a trust store nobody is asked for a certificate") {
        serverTls(connector()).clientAuth() shouldBe ClientAuth.NONE
    }

    test("a path, or an abstract name, is the address of a unix connector") {
        unixAddress("/run/service.sock").toString() shouldContain "/run/service.sock"
        unixAddress("/run/service.sock").isPath shouldBe true
        unixAddress("@service").isPath shouldBe false
        shouldThrow<IllegalArgumentException> { unixAddress("") }
        shouldThrow<IllegalArgumentException> { unixAddress("@") }
        shouldThrow<IllegalArgumentException> { unixAddress("/" + "x".repeat(107)) }
    }
})
