package io.netpark.core.testing.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLException

/** The ground that specs of TLS stand on: engines of each kind understand those of each other. */
class EngineFlavourSpec : NetparkSpec(body = {
    val root = Authority.root("Root")
    val intermediate = root.intermediate("Intermediate")
    val identity = intermediate.issue("server.test", "127.0.0.1")
    val flavours = EngineFlavour.available()

    test("the JDK's engine and those of this machine are there") {
        flavours shouldContain EngineFlavour.JDK
        val native = System.getProperty("os.arch") == "amd64"
        if (native) flavours shouldBe EngineFlavour.entries
    }

    for (client in flavours) for (server in flavours) {
        for (protocol in EngineFlavour.PROTOCOLS) {
            test("$client and $server shake hands and talk in $protocol") {
                between(client.client(Material.client(root)), server.server(Material.server(identity))) { one, other ->
                    one.enabledProtocols = arrayOf(protocol)
                    talk(one, other)
                    one.session.protocol shouldBe protocol
                    if (server != EngineFlavour.CONSCRYPT) other.session.protocol shouldBe protocol // Conscrypt's says TLSv1.2
                    one.session.peerCertificates.toList() shouldBe identity.chain
                }
            }

            test("$client shows $server its certificate in $protocol") {
                val own = root.issueClient("client")
                between(
                    client.client(Material.client(root).showing(own)),
                    server.server(Material.server(identity).forClientsOf(root)),
                ) { one, other ->
                    one.enabledProtocols = arrayOf(protocol)
                    talk(one, other)
                    other.session.peerCertificates.toList() shouldBe own.chain
                }
            }
        }

        test("$client and $server agree on an application protocol") {
            between(
                client.client(Material.client(root).speaking("other", "http/1.1")),
                server.server(Material.server(identity).speaking("h2", "http/1.1")),
            ) { one, other ->
                talk(one, other)
                listOf(one, other).forEach { it.applicationProtocol shouldBe "http/1.1" }
            }
        }
    }

    for (client in flavours) {
        for ((what, bad) in mapOf(
            "of an authority it does not know" to Authority.root("Root").issue("server.test"),
            "that nobody has signed" to Order.selfSigned("server.test").issue(),
            "that has expired" to root.order("server.test").expired().issue(),
            "that is not yet valid" to root.order("server.test").notYetValid().issue(),
            "of another host" to root.issue("other.test"),
            "of a client" to root.order("server.test").forClients().issue(),
            "whose authority is not sent" to identity.alone(),
            "whose authority has expired" to root.expiredIntermediate("Old").issue("server.test"),
        )) {
            test("$client refuses a certificate $what") {
                between(client.client(Material.client(root)), EngineFlavour.JDK.server(Material.server(bad))) { one, other ->
                    shouldThrow<SSLException> { EnginePair(one, other).handshake() }
                }
            }
        }

        // The native ones do not ask for Ed25519.
        for (kind in KeyKind.entries.filter { client == EngineFlavour.JDK || it != KeyKind.ED25519 }) {
            test("$client knows a key of $kind") {
                val signed = Authority.root("Root of $kind", kind)
                val server = signed.order("server.test").key(kind).issue()
                between(client.client(Material.client(signed)), EngineFlavour.JDK.server(Material.server(server))) { one, other ->
                    talk(one, other)
                }
            }
        }
    }
})

private fun between(clients: EngineSupply, servers: EngineSupply, block: (SSLEngine, SSLEngine) -> Unit) {
    clients.use {
        servers.use {
            val one = clients.engine("server.test", 443)
            val other = servers.engine(null, 0)
            try {
                block(one, other)
            } finally {
                clients.release(one)
                servers.release(other)
            }
        }
    }
}

private fun talk(one: SSLEngine, other: SSLEngine) {
    val pair = EnginePair(one, other)
    pair.handshake()
    val bytes = ByteArray(40_000) { it.toByte() }
    pair.toServer(bytes) shouldBe bytes
    pair.toClient(bytes) shouldBe bytes
}
