package io.netpark.core.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.KeyKind
import java.security.Provider
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import org.conscrypt.Conscrypt

/**
 * What the two sides of a handshake agree on: names, certificates, application protocols, versions. With engines of two
 * providers.
 */
class NegotiationSpec : NetparkSpec(body = {
    val root = Authority.root("Root")
    val client = ClientTls.builder().trust(root).build()
    val providers = listOf<Provider?>(null) + if (Conscrypt.isAvailable()) listOf(Conscrypt.newProvider()) else listOf()

    for (provider in providers) {
        fun server() = ServerTls.builder().apply { if (provider != null) provider(provider) }
        val name = provider?.name ?: "JDK"

        for (version in listOf("TLSv1.2", "TLSv1.3")) {
            val versioned = ClientTls.builder().trust(root).protocols(version).build()

            test("$name, $version: a server chooses its certificate by the name that is asked for") {
                val server = server().certificate(root.issue("default.test")).certificate(root.issue("exact.test", "www.exact.test"))
                    .certificate(root.order("*.wild.test").commonName("wild").issue()).certificate(root.issue("x.wild.test")).build()
                for ((asked, shown) in listOf(
                    "default.test" to "default.test",
                    "exact.test" to "exact.test",
                    "WWW.Exact.Test" to "exact.test",
                    "exact.test." to "exact.test",
                    "any.wild.test" to "wild",
                    "x.wild.test" to "x.wild.test", // the exact name first
                )) {
                    withClue(asked) {
                        val (one, other) = sessions(versioned, server, asked)
                        one.peerName shouldBe shown
                        val plain = asked.lowercase().removeSuffix(".")
                        one.serverName() shouldBe plain
                        other.serverName() shouldBe plain
                        one.protocol() shouldBe version
                    }
                }
                val careless = ClientTls.builder().trust(root).protocols(version).verifyHost(false).build()
                for (asked in listOf("unknown.test", "two.levels.wild.test", "wild.test", "127.0.0.1", "::1", "[::1]", null)) {
                    withClue("$asked") { sessions(careless, server, asked).first.peerName shouldBe "default.test" }
                }
            }

            test("$name, $version: a name with certificates of two kinds gets what the client can do") {
                val names = arrayOf("server.test")
                val server = server().certificate(root.order("default.test").key(KeyKind.RSA).issue())
                    .certificate(root.order(*names).key(KeyKind.EC).issue())
                    .certificate(root.order(*names).key(KeyKind.RSA).issue()).build()
                fun key(client: ClientTls, host: String) =
                    sessions(client, server, host).first.peerCertificates().first().publicKey.algorithm
                key(versioned, "server.test") shouldBe "EC"
                key(versioned, "default.test") shouldBe "RSA"
                if (version == "TLSv1.2" && provider == null) { // Conscrypt does not ask twice
                    val old = ClientTls.builder().trust(root).protocols(version)
                        .cipherSuites("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").build()
                    key(old, "server.test") shouldBe "RSA"
                }
            }
        }

        test("$name: a server takes the application protocol that it likes best") {
            val server = server().certificate(root.issue("server.test")).applicationProtocols("h2", "http/1.1").build()
            for ((offered, chosen) in listOf(
                listOf("http/1.1", "h2") to "h2",
                listOf("http/1.0", "http/1.1") to "http/1.1",
                listOf<String>() to null,
            )) {
                val speaking = ClientTls.builder().trust(root)
                    .apply { if (offered.isNotEmpty()) applicationProtocols(*offered.toTypedArray()) }.build()
                speaking.applicationProtocols() shouldBe offered
                sessions(speaking, server).toList().map { it.applicationProtocol() } shouldBe listOf(chosen, chosen)
            }
            server.applicationProtocols() shouldBe listOf("h2", "http/1.1")
        }

        test("$name: a server without application protocols negotiates none") {
            val speaking = ClientTls.builder().trust(root).applicationProtocols("h2").build()
            val silent = server().certificate(root.issue("server.test")).build()
            sessions(speaking, silent).toList().map { it.applicationProtocol() } shouldBe listOf(null, null)
        }

        test("$name: a function chooses the application protocol") {
            val speaking = ClientTls.builder().trust(root).applicationProtocols("one", "two").build()
            val seen = mutableListOf<List<String>>()
            val server = server().certificate(root.issue("server.test"))
                .applicationProtocolSelector { _, offered -> offered.last().also { seen += offered } }.build()
            sessions(speaking, server).toList().map { it.applicationProtocol() } shouldBe listOf("two", "two")
            seen shouldBe listOf(listOf("one", "two"))
        }

        test("$name: a client with a certificate shows it to a server that asks") {
            val own = root.issueClient("client")
            val showing = ClientTls.builder().trust(root).certificate(own).build()
            for (auth in ClientAuth.entries) {
                val server = server().certificate(root.issue("server.test")).clientAuth(auth)
                    .apply { if (auth != ClientAuth.NONE) trust(root) }.build()
                sessions(showing, server).second.peerCertificates() shouldBe if (auth == ClientAuth.NONE) listOf() else own.chain()
                if (auth != ClientAuth.NEEDED) sessions(client, server).second.peerCertificates() shouldBe listOf()
            }
        }
    }

    test("a client with several certificates shows the one that the server's authorities have signed") {
        val others = Authority.root("Others")
        val (one, other) = listOf(root, others).map { it.intermediate("Below").issueClient("client") }
        val showing = ClientTls.builder().trust(root).certificate(one).certificate(other).build()
        for ((authority, shown) in listOf(root to one, others to other)) {
            val server = ServerTls.builder().certificate(root.issue("server.test")).clientAuth(ClientAuth.NEEDED).trust(authority).build()
            sessions(showing, server).second.peerCertificates() shouldBe shown.chain()
        }
    }

    test("a server may refuse names that it has no certificate for, and serves those who ask for none") {
        for (provider in providers) {
            val server = ServerTls.builder().certificate(root.issue("server.test", "*.wild.test")).refuseUnknownNames(true)
                .apply { if (provider != null) provider(provider) }.build()
            for (host in listOf("server.test", "a.wild.test")) sessions(client, server, host)
            sessions(ClientTls.builder().trust(root).verifyHost(false).build(), server, null)
            Talk(client, server, "unknown.test").use {
                it.handshake()
                if (provider == null) Diagnosis.of(it.serverFailure!!).fault() shouldBe TlsFault.UNKNOWN_NAME
                it.clientFailure.shouldNotBeNull()
            }
        }
    }

    test("a name without a dot is sent, and one with an underscore, which servers of the JDK do not bear, is not") {
        val server = ServerTls.builder().certificate(root.issue("default.test")).certificate(root.issue("db"))
            .certificate(root.issue("my_db")).build()
        sessions(client, server, "db").first.peerName shouldBe "db"
        val careless = ClientTls.builder().trust(root).verifyHost(false).build()
        sessions(careless, server, "my_db").first.peerName shouldBe "default.test"
    }

    test("a name of other letters is sent as DNS has it") {
        val server = ServerTls.builder().certificate(root.issue("default.test")).certificate(root.issue("xn--bcher-kva.test")).build()
        sessions(client, server, "Bücher.test").first.serverName() shouldBe "xn--bcher-kva.test"
    }

    test("an address is checked, and not sent") {
        val server = ServerTls.builder().certificate(root.issue("server.test", "127.0.0.1", "::1")).refuseUnknownNames(true).build()
        for (host in listOf("127.0.0.1", "::1", "[::1]", "::1%lo")) {
            val (one, other) = sessions(client, server, host)
            one.serverName() shouldBe null
            other.serverName() shouldBe null
        }
        Talk(client, server, "127.0.0.2").use { Diagnosis.of(it.handshake().clientFailure!!).fault() shouldBe TlsFault.WRONG_HOST }
    }

    test("another name than the one that is dialed can be asked for and checked") {
        val server = ServerTls.builder().certificate(root.issue("default.test")).certificate(root.issue("server.test")).build()
        val named = ClientTls.builder().trust(root).serverName("server.test").build()
        for (host in listOf("10.0.0.1", "proxy.test", null)) sessions(named, server, host).first.serverName() shouldBe "server.test"
    }

    test("versions and cipher suites are those that are set") {
        val identity = root.issue("server.test")
        val server = ServerTls.builder().certificate(identity).protocols("TLSv1.2")
            .cipherSuites("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256").build()
        with(sessions(client, server).first) {
            protocol() shouldBe "TLSv1.2"
            cipherSuite() shouldBe "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" // the server's order
        }
        with(sessions(client, ServerTls.builder().certificate(identity).build()).first) {
            protocol() shouldBe "TLSv1.3"
            cipherSuite() shouldBe "TLS_AES_128_GCM_SHA256"
        }
    }

    test("a server's suites all have forward secrecy and authenticated encryption, and nothing before TLS 1.2") {
        val server = ServerTls.builder().certificate(root.issue("server.test")).build()
        val engine = Engines.of(server, null, -1)
        engine.enabledProtocols.toSet() shouldBe setOf("TLSv1.3", "TLSv1.2")
        for (suite in engine.enabledCipherSuites) {
            withClue(suite) { (suite.startsWith("TLS_ECDHE_") || "_WITH_" !in suite) shouldBe true }
            withClue(suite) { ("GCM" in suite || "CHACHA20" in suite) shouldBe true }
        }
        engine.sslParameters.useCipherSuitesOrder shouldBe true
        Engines.release(server, engine)
    }

    test("a context of somebody else serves, and is set up") {
        val identity = root.issue("server.test")
        val factory = KeyManagerFactory.getInstance("PKIX").apply { init(identity.keyStore("a", "b"), "b".toCharArray()) }
        val context = SSLContext.getInstance("TLS").apply { init(factory.keyManagers, null, null) }
        val server = ServerTls.builder().context(context).applicationProtocols("h2").protocols("TLSv1.2").build()
        val speaking = ClientTls.builder().trust(root).applicationProtocols("h2").build()
        with(sessions(speaking, server).second) {
            applicationProtocol() shouldBe "h2"
            protocol() shouldBe "TLSv1.2"
            serverName() shouldBe "server.test"
        }
        shouldThrow<IllegalStateException> { server.reload() }.message!! shouldContain "SSLContext"
    }

    test("who has no name to verify is told so") {
        shouldThrow<IllegalStateException> { Engines.of(client, null, -1) }.message!! shouldContain "serverName"
    }
})
