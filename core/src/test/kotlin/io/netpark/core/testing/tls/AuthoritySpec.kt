package io.netpark.core.testing.tls

import io.kotest.assertions.throwables.shouldNotThrowAny
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.needs
import io.netpark.core.testing.runToEnd
import java.io.ByteArrayInputStream
import java.nio.file.Path
import java.security.KeyFactory
import java.security.KeyStore
import java.security.cert.CertPathValidator
import java.security.cert.CertPathValidatorException
import java.security.cert.CertPathValidatorException.BasicReason
import java.security.cert.CertStore
import java.security.cert.CertificateFactory
import java.security.cert.CollectionCertStoreParameters
import java.security.cert.PKIXParameters
import java.security.cert.TrustAnchor
import java.security.cert.X509CRL
import java.security.spec.PKCS8EncodedKeySpec
import java.util.Base64

/** What the fixtures write is what the JDK and OpenSSL read. */
class AuthoritySpec : NetparkSpec(body = {
    val folder: Path = tempdir().toPath()
    val root = Authority.root("Root")
    val middle = root.intermediate("Middle")
    val certificates = CertificateFactory.getInstance("X.509")

    fun openssl(vararg arguments: String): String {
        val (said, status) = (listOf("openssl") + arguments).runToEnd()
        withClue(said) { status shouldBe 0 }
        return said
    }

    for (kind in KeyKind.entries) {
        val identity = middle.order("server.test", "10.1.2.3", "::1").key(kind).issue()
        val chain = identity.writeChain(folder.resolve("$kind-chain.pem"))

        test("a chain and a key of $kind are read by the JDK") {
            certificates.generateCertificates(chain.toFile().inputStream()) shouldBe identity.chain
            identity.chain shouldBe listOf(identity.certificate(), middle.certificate())
            val pem = Pem.of(identity.key).lines().filterNot { it.startsWith("-----") }.joinToString("")
            val key = PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem))
            KeyFactory.getInstance(identity.key.algorithm).generatePrivate(key) shouldBe identity.key
            val file = identity.writePkcs12(folder.resolve("$kind.p12"), "alias", "secret")
            KeyStore.getInstance(file.toFile(), "secret".toCharArray()).getKey("alias", "secret".toCharArray()) shouldBe identity.key
        }

        test("a chain and a key of $kind are read by openssl").config(enabledOrReasonIf = { needs("openssl", "version") }) {
            val authority = root.write(folder.resolve("$kind-root.pem"))
            openssl("verify", "-purpose", "sslserver", "-CAfile", "$authority", "-untrusted", "$chain", "$chain") shouldContain "OK"
            openssl("x509", "-in", "$chain", "-noout", "-ext", "subjectAltName") shouldContain
                "DNS:server.test, IP Address:10.1.2.3, IP Address:0:0:0:0:0:0:0:1"
            val key = identity.writeKey(folder.resolve("$kind-key.pem"))
            val encrypted = identity.writeKey(folder.resolve("$kind-encrypted.pem"), "secret")
            openssl("pkey", "-in", "$encrypted", "-passin", "pass:secret") shouldBe openssl("pkey", "-in", "$key")
            val store = identity.writePkcs12(folder.resolve("$kind-store.p12"), "alias", "secret")
            openssl("pkcs12", "-in", "$store", "-passin", "pass:secret", "-noout")
            if (kind != KeyKind.ED25519) { // younger than these forms
                val old = Pem.write(folder.resolve("$kind-old.pem"), Pem.traditional(identity.key))
                old.toFile().readText() shouldContain "BEGIN $kind PRIVATE KEY"
                openssl("pkey", "-in", "$old") shouldBe openssl("pkey", "-in", "$key")
                val oldEncrypted = Pem.write(folder.resolve("$kind-old-encrypted.pem"), Pem.traditional(identity.key, "secret"))
                oldEncrypted.toFile().readText() shouldContain "Proc-Type: 4,ENCRYPTED"
                openssl("pkey", "-in", "$oldEncrypted", "-passin", "pass:secret") shouldBe openssl("pkey", "-in", "$key")
            }
        }
    }

    test("a certificate that has been taken back is refused by those who ask for the list, and another is not") {
        val revoked = root.issue("revoked.test")
        val good = root.issue("good.test")
        val list = certificates.generateCRL(ByteArrayInputStream(Pem.of(root.revoking(revoked.certificate())).toByteArray())) as X509CRL
        list.verify(root.certificate().publicKey)
        val parameters = PKIXParameters(setOf(TrustAnchor(root.certificate(), null))).apply {
            addCertStore(CertStore.getInstance("Collection", CollectionCertStoreParameters(listOf(list))))
        }
        fun check(identity: Identity) =
            CertPathValidator.getInstance("PKIX").validate(certificates.generateCertPath(identity.chain), parameters)
        shouldNotThrowAny { check(good) }
        shouldThrow<CertPathValidatorException> { check(revoked) }.reason shouldBe BasicReason.REVOKED
    }
})
