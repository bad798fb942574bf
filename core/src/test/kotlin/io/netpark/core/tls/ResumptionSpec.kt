package io.netpark.core.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.testing.tls.EngineSupply
import io.netpark.core.testing.tls.Material
import io.netpark.core.testing.tls.Pem
import java.security.cert.X509Certificate
import javax.net.ssl.X509TrustManager
import kotlin.io.path.div
import kotlin.io.path.writeText
import org.conscrypt.Conscrypt

/** Sessions that are resumed, and how it is known; new certificates while they are. */
class ResumptionSpec : NetparkSpec(body = {
    val folder = tempdir().toPath()
    val root = Authority.root("Root")
    val identity = root.issue("server.test")

    for (version in listOf("TLSv1.2", "TLSv1.3")) {
        fun client() = ClientTls.builder().trust(root).protocols(version)

        /** Whether each side says that the next handshake has resumed a session. */
        fun resumed(client: ClientTls, server: ServerTls, host: String = "server.test", port: Int = 443): List<Boolean> =
            sessions(client, server, host, port).toList().map { it.resumed() }

        test("$version: a client that comes back resumes its session, and both sides know it, however soon it comes") {
            val client = client().build()
            val server = ServerTls.builder().certificate(identity).build()
            resumed(client, server) shouldBe listOf(false, false)
            repeat(50) { resumed(client, server) shouldBe listOf(true, true) }
            sessions(client, server).first.peerCertificates() shouldBe identity.chain()
            resumed(client, server, port = 444) shouldBe listOf(false, false)
            resumed(client().build(), server) shouldBe listOf(false, false)
        }

        test("$version: a client with a certificate resumes, too, and its certificate is still known") {
            val own = root.issueClient("client")
            val client = client().certificate(own).build()
            val server = ServerTls.builder().certificate(identity).clientAuth(ClientAuth.NEEDED).trust(root).build()
            resumed(client, server) shouldBe listOf(false, false)
            resumed(client, server) shouldBe listOf(true, true)
            sessions(client, server).second.peerCertificates() shouldBe own.chain()
        }

        for (side in listOf("client", "server")) test("$version: nothing is resumed if the $side does not want it") {
            val client = client().sessionResumption(side == "server").build()
            val server = ServerTls.builder().certificate(identity).sessionResumption(side == "client").build()
            repeat(3) { resumed(client, server) shouldBe listOf(false, false) }
        }

        test("$version: sessions of names that are not the default's are resumed") {
            val client = client().build()
            val server = ServerTls.builder().certificate(root.issue("default.test")).certificate(identity)
                .certificate(root.order("rsa.test").key(KeyKind.RSA).issue()).build()
            for (host in listOf("server.test", "default.test", "rsa.test")) {
                withClue(host) {
                    resumed(client, server, host) shouldBe listOf(false, false)
                    // With tickets of TLS 1.2 it cannot be had where the JDK looks for the certificate before it knows the name.
                    val possible = version == "TLSv1.3" || host == "default.test" || Runtime.version().feature() == 17
                    resumed(client, server, host) shouldBe listOf(possible, possible)
                }
            }
        }

        test("$version: sessions go on after certificates have been read, if the engine allows it, and new handshakes get the new ones") {
            val chain = identity.writeChain(folder / "$version.pem")
            val key = identity.writeKey(folder / "$version.key")
            val server = ServerTls.of(chain, key)
            val client = client().build()
            resumed(client, server) shouldBe listOf(false, false)
            server.reload() // nothing new
            resumed(client, server) shouldBe listOf(true, true)
            val next = root.issue("server.test")
            next.writeChain(chain)
            next.writeKey(key)
            server.reload()
            val allowed = Runtime.version().feature() == 17
            resumed(client, server) shouldBe listOf(allowed, allowed)
            sessions(client().build(), server).first.peerCertificates() shouldBe next.chain()
            server.certificates().single().serialNumber() shouldBe next.certificate().serialNumber.toString(16)
        }

        test("$version: a handshake that is under way ends with the certificate it began with, whatever is read meanwhile") {
            val chain = identity.writeChain(folder / "$version-way.pem")
            val key = identity.writeKey(folder / "$version-way.key")
            val server = ServerTls.of(chain, key)
            val next = root.order("server.test").keys(KeyKind.EC.fresh()).issue()
            val choice = (server.origin as OwnContext).keys
            val alias = choice.chooseEngineServerAlias("EC", null, null)!!
            next.writeChain(chain)
            next.writeKey(key)
            server.reload()
            choice.getCertificateChain(alias)!!.toList() shouldBe identity.chain()
            choice.getPrivateKey(alias) shouldBe identity.key()
            choice.getCertificateChain(choice.chooseEngineServerAlias("EC", null, null)!!)!!.toList() shouldBe next.chain()
        }

        test("$version: a client whose authority is not trusted any more does not resume either") {
            val clients = Authority.root("Clients")
            val trusted = folder / "$version-clients.pem"
            trusted.writeText(Pem.of(listOf(clients.certificate(), root.certificate())))
            val server = ServerTls.builder().certificate(identity).clientAuth(ClientAuth.NEEDED).clientAuthorities(trusted).build()
            val client = client().certificate(clients.issueClient("client")).build()
            resumed(client, server) shouldBe listOf(false, false)
            server.reload()
            resumed(client, server) shouldBe listOf(true, true)
            trusted.writeText(Pem.of(root.certificate()))
            server.reload()
            Talk(client, server).use { (it.handshake().serverFailure != null) shouldBe true }
        }

        test("$version: if certificates are of no use, the old ones stay, and it is said why") {
            val chain = identity.writeChain(folder / "$version-bad.pem")
            val key = identity.writeKey(folder / "$version-bad.key")
            val server = ServerTls.of(chain, key)
            root.issue("other.test").also { it.writeChain(chain) }
            key.writeText("nothing")
            shouldThrow<TlsConfigurationException> { server.reload() }.message!! shouldContain "$key: has no line"
            sessions(client().build(), server).first.peerCertificates() shouldBe identity.chain()
        }
    }

    test("with a trust manager that is not extended, and with engines of others, it is known after a second") {
        val plain = object : X509TrustManager {
            override fun checkClientTrusted(chain: Array<X509Certificate>, authType: String) = Unit
            override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String) = Unit
            override fun getAcceptedIssuers(): Array<X509Certificate> = arrayOf()
        }
        val netty = EngineFlavour.NETTY_OPENSSL.takeIf { it.unavailability() == null }?.server(Material.server(identity))
        val pairs = listOf("TLSv1.2", "TLSv1.3").flatMap { version ->
            fun client() = ClientTls.builder().trust(root).protocols(version).build()
            listOfNotNull(
                ClientTls.builder().trustManager(plain).protocols(version).build() to ServerTls.builder().certificate(identity).build(),
                Conscrypt.newProvider().takeIf { Conscrypt.isAvailable() }
                    ?.let { client() to ServerTls.builder().certificate(identity).provider(it).build() },
                netty?.let { client() to ServerTls.builder().engines(source(it)).build() },
            )
        }
        for ((client, to) in pairs) sessions(client, to).toList().map { it.resumed() } shouldBe listOf(false, false)
        val made = System.currentTimeMillis() / 1000 // that they count in
        eventually { check((System.currentTimeMillis() - 100) / 1000 > made) }
        for ((client, to) in pairs) with(sessions(client, to)) { second.resumed() shouldBe first.resumed() }
        netty?.close()
    }
})

internal fun source(supply: EngineSupply): EngineSource =
    EngineSource.releasing({ host, port -> supply.engine(host, port) }, supply::release)
