package io.netpark.core.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.testing.tls.Order
import io.netpark.core.testing.tls.Pem
import java.nio.file.Path
import java.security.KeyStore
import java.security.cert.X509Certificate
import kotlin.io.path.createTempFile
import kotlin.io.path.div
import kotlin.io.path.outputStream
import kotlin.io.path.writeText

/** What a configuration is made of, and what is said of each thing that is of no use. */
class CertificatesSpec : NetparkSpec(body = {
    val folder = tempdir().toPath()
    val root = Authority.root("Root")
    val intermediate = root.intermediate("Lower").intermediate("Lowest")
    val identity = intermediate.issue("server.test", "127.0.0.1")
    val client = ClientTls.builder().trust(listOf(root.certificate())).build()
    val secret = "secret".toCharArray()

    fun file(text: String): Path = createTempFile(folder, suffix = ".pem").also { it.writeText(text) }
    val key = identity.writeKey(folder / "key.pem")

    /** What the server sends. */
    fun sent(server: ServerTls): List<X509Certificate> = sessions(client, server).first.peerCertificates()

    test("a chain in PEM is sent as it is") {
        sent(ServerTls.of(identity.writeChain(folder / "chain.pem"), key)) shouldBe identity.chain()
    }

    test("a chain in a wrong order is sent in the right one, and nothing twice") {
        val chain = identity.chain()
        for (order in listOf(chain.reversed(), listOf(chain[1], chain[0], chain[2]), chain + chain, listOf(chain[2]) + chain)) {
            sent(ServerTls.of(file(Pem.of(order)), key)) shouldBe chain
        }
    }

    test("an authority that is signed by two others may show both, in any order, to clients that trust only one of them") {
        val other = Authority.root("Other root")
        val lower = root.intermediate("Lower")
        val chain = lower.issue("server.test").let { it.writeKey(folder / "crossed.key"); it.chain() }
        val crossed = lower.signedBy(other)
        for (order in listOf(chain + crossed, listOf(chain[0], crossed, chain[1]), listOf(crossed, chain[1], chain[0]))) {
            val server = ServerTls.of(file(Pem.of(order)), folder / "crossed.key")
            for (trusted in listOf(root, other)) {
                sessions(ClientTls.builder().trust(trusted).build(), server).first.peerCertificates().let {
                    it.first() shouldBe chain[0]
                    it.toSet() shouldBe order.toSet()
                }
            }
        }
    }

    test("authorities beside the chain, as in the files of some sellers, are sent behind it") {
        val beside = listOf(root.intermediate("Beside").certificate(), Authority.root("Elsewhere").certificate())
        val chain = identity.chain()
        for (order in listOf(chain + beside, beside + chain, listOf(chain[0], beside[0], chain[2], chain[1], beside[1]))) {
            sent(ServerTls.of(file(Pem.of(order)), key)) shouldBe chain + beside
        }
    }

    test("certificate and key may be in one file, and the key encrypted") {
        val both = file(Pem.of(identity.chain()) + Pem.encrypted(identity.key(), "secret"))
        val password = secret.copyOf()
        val server = ServerTls.builder().certificate(both, both, password)
        password.fill('x') // it was copied
        sent(server.build()) shouldBe identity.chain()
    }

    test("key stores are read from files and from memory, whole or by the entry") {
        val store = KeyStore.getInstance("PKCS12").apply { load(null, null) }
        val others = listOf("a.test", "b.test").map { root.issue(it) } + identity
        for (other in others) {
            store.setKeyEntry(other.certificate().subjectX500Principal.name, other.key(), secret, other.chain().toTypedArray())
        }
        val file = folder / "store.p12"
        file.outputStream().use { store.store(it, secret) }
        val jks = KeyStore.getInstance("JKS").apply { load(null, null) }
        jks.setKeyEntry("server", identity.key(), secret, identity.chain().toTypedArray())
        val oldFile = folder / "store.jks"
        oldFile.outputStream().use { jks.store(it, secret) }
        for (builder in listOf(
            ServerTls.builder().keyStore(file, secret),
            ServerTls.builder().keyStore(file, "CN=server.test", secret),
            ServerTls.builder().keyStore(oldFile, secret),
            ServerTls.builder().keyStore(store, secret),
            ServerTls.builder().keyStore(store, "cn=server.TEST", secret),
            ServerTls.builder().certificate(identity.chain(), identity.key()),
        )) {
            sent(builder.build()) shouldBe identity.chain()
        }
    }

    for (kind in KeyKind.entries) test("a key of $kind serves") {
        val own = root.order("server.test").key(kind).issue()
        val server = ServerTls.of(own.writeChain(folder / "$kind.pem"), own.writeKey(folder / "$kind.key"))
        sent(server) shouldBe own.chain()
        server.certificates().single().keyAlgorithm() shouldBe if (kind == KeyKind.ED25519) "EdDSA" else kind.name
    }

    test("what an operator wants to know of a certificate") {
        val chain = identity.writeChain(folder / "info.pem")
        val info = ServerTls.of(chain, key).certificates().single()
        info.subject() shouldBe "CN=server.test"
        info.issuer() shouldBe "CN=Lowest"
        info.names() shouldContainExactly listOf("server.test", "127.0.0.1")
        info.serialNumber() shouldBe identity.certificate().serialNumber.toString(16)
        info.notBefore() shouldBe identity.certificate().notBefore.toInstant()
        info.notAfter() shouldBe identity.certificate().notAfter.toInstant()
        info.keyAlgorithm() shouldBe "EC"
        info.source() shouldBe chain.toString()
        val old = Order.selfSigned("old.test").withoutAlternativeNames().issue()
        ServerTls.builder().certificate(old).build().certificates().single().names() shouldContainExactly listOf("old.test")
        client.certificates() shouldBe listOf()
    }

    fun refused(name: String, vararg expected: String, make: () -> Unit) = test("refused: $name") {
        val message = shouldThrow<TlsConfigurationException> { make() }.message!!
        expected.forEach { message shouldContain it }
    }

    val stranger = root.order("other.test").keys(KeyKind.EC.fresh()).issue()
    refused("a key of another certificate", "/k1.pem: the key does not belong to the certificate of CN=server.test in ", "openssl pkey") {
        ServerTls.of(file(Pem.of(identity.chain())), stranger.writeKey(folder / "k1.pem"))
    }
    refused("a key of another kind", "does not belong") {
        ServerTls.of(file(Pem.of(identity.chain())), file(Pem.of(KeyKind.RSA.shared().private)))
    }
    refused("a certificate that is not of the chain", ", line ", "CN=other.test is not in the chain of CN=server.test") {
        ServerTls.of(file(Pem.of(identity.chain() + stranger.certificate())), key)
    }
    refused("a chain with a gap", "CN=Lower is not in the chain of CN=server.test", "put the certificates between the two into the file") {
        ServerTls.of(file(Pem.of(listOf(identity.chain()[0], identity.chain()[2]))), key)
    }
    refused("an authority that has not signed the certificate, in the place of the one that has", "is not in the chain of CN=server.test") {
        ServerTls.of(file(Pem.of(listOf(identity.chain()[0], root.intermediate("Lowest").certificate()))), key)
    }
    refused("a file that is not there", "/none.pem: there is no such file") { ServerTls.of(folder / "none.pem", key) }
    refused("a wrong password", "/encrypted.pem, line 1: the password is wrong") {
        val encrypted = identity.writeKey(folder / "encrypted.pem", "secret")
        ServerTls.builder().certificate(file(Pem.of(identity.chain())), encrypted, "x".toCharArray()).build()
    }
    refused("a key of another certificate, from memory", "does not belong to the certificate of CN=other.test") {
        ServerTls.builder().certificate(stranger.chain(), identity.key())
    }
    refused("no certificate, from memory", "has no certificate") { ServerTls.builder().certificate(listOf(), identity.key()) }
    val store = identity.writePkcs12(folder / "one.p12", "server", "secret")
    refused("a key store with a wrong password", "/one.p12: the password is wrong") {
        ServerTls.builder().keyStore(store, "x".toCharArray()).build()
    }
    refused("a key store without the entry", "/one.p12: has no entry client, only [server]") {
        ServerTls.builder().keyStore(store, "client", secret).build()
    }
    refused("a key store without a key", "/authorities.p12: has no key, only [authority-0]") {
        ServerTls.builder().keyStore(root.writePkcs12(folder / "authorities.p12", "secret"), secret).build()
    }
    refused("an entry that is no key", ", entry authority-0: has no private key") {
        ServerTls.builder().keyStore(root.writePkcs12(folder / "authorities2.p12", "secret"), "authority-0", secret).build()
    }
    refused("no key store", "/no.p12: is no key store that the JDK knows") {
        ServerTls.builder().keyStore((folder / "no.p12").also { it.writeText("hello") }, secret).build()
    }
    refused("a key store that is not there", "/none.p12: there is no such file") {
        ServerTls.builder().keyStore(folder / "none.p12", secret).build()
    }
    refused("a key store that is a folder", ": is no file") { ServerTls.builder().keyStore(folder, secret).build() }
    refused("a key of a key store in memory, with a wrong password", "entry server: the password of the key is wrong") {
        ServerTls.builder().keyStore(identity.keyStore("server", "secret"), "x".toCharArray())
    }
    refused("nobody to trust in a PEM file", "has no certificate, only PRIVATE KEY") { ClientTls.builder().trust(key).build() }
    refused("nobody to trust in a key store", "has no certificate to trust") { ClientTls.builder().trustStore(store, secret).build() }
    refused("a trust store without its password", "has no certificate to trust; a PKCS#12 store shows none without its password") {
        ClientTls.builder().trustStore(root.writePkcs12(folder / "closed.p12", "secret"), null).build()
    }

    test("trust comes from PEM, key stores, memory, the JDK, and all of them together") {
        val server = ServerTls.builder().certificate(identity.chain(), identity.key()).build()
        val other = Authority.root("Other")
        for (builder in listOf(
            ClientTls.builder().trust(root.write(folder / "root.pem")),
            ClientTls.builder().trust(file(Pem.of(listOf(other.certificate(), root.certificate())))),
            ClientTls.builder().trust(listOf(root.certificate())).trust(listOf(other.certificate())),
            ClientTls.builder().trustStore(root.writePkcs12(folder / "root.p12", "secret"), secret),
            ClientTls.builder().trustStore(root.trustStore()),
            ClientTls.builder().trustSystem().trust(listOf(root.certificate())),
            ClientTls.builder().trust(listOf(identity.certificate())), // the very certificate
            ClientTls.builder().trustAnyone(),
        )) {
            sessions(builder.build(), server).first.peerCertificates() shouldBe identity.chain()
        }
        for (builder in listOf(ClientTls.builder(), ClientTls.builder().trustSystem(), ClientTls.builder().trust(other))) {
            Talk(builder.build(), server).use {
                Diagnosis.of(it.handshake().clientFailure!!).fault() shouldBe TlsFault.UNKNOWN_AUTHORITY
            }
        }
    }
})

/** As {@code ServerTls.Builder.certificate}, of the tests' own class. */
internal fun ServerTls.Builder.certificate(identity: Identity): ServerTls.Builder = certificate(identity.chain(), identity.key())

internal fun ClientTls.Builder.certificate(identity: Identity): ClientTls.Builder = certificate(identity.chain(), identity.key())

internal fun ClientTls.Builder.trust(authority: Authority): ClientTls.Builder = trust(listOf(authority.certificate()))

internal fun ServerTls.Builder.trust(authority: Authority): ServerTls.Builder = trust(listOf(authority.certificate()))
