package io.netpark.core.pem

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.testing.tls.Pem
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.util.Base64
import kotlin.io.path.createDirectory
import kotlin.io.path.createTempFile
import kotlin.io.path.div
import kotlin.io.path.setPosixFilePermissions
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText
import kotlin.random.Random

/** What PEM files may look like, and what is said of each that is of no use. */
class PemFileSpec : NetparkSpec(body = {
    val folder = tempdir().toPath()
    val root = Authority.root("Root")
    val identity = root.intermediate("Intermediate").issue("server.test")
    val key = identity.key()

    fun file(text: String): Path = createTempFile(folder, suffix = ".pem").also { it.writeText(text, Charsets.ISO_8859_1) }
    fun certificates(text: String) = PemFile.read(file(text)).certificates()
    fun key(text: String, password: String? = null) = PemFile.read(file(text)).privateKey(password?.toCharArray())

    test("certificates are read in their order, with comments, spaces, carriage returns and keys among them") {
        val chain = identity.chain()
        val plain = Pem.of(chain)
        val forms = listOf(
            plain,
            plain.replace("\n", "\r\n"),
            plain.replace("\n", " \t\n"),
            plain.trimEnd(),
            "subject=CN=Größe\n" + plain.replace("-----BEGIN", "\n# a comment: with a colon\n-----BEGIN"),
            Pem.of(key) + plain + Pem.traditional(key),
            plain.replace("CERTIFICATE", "X509 CERTIFICATE"),
            "\u00EF\u00BB\u00BF" + plain, // a mark of byte order in UTF-8
        )
        for (form in forms) withClue(form) { certificates(form).map { it.certificate() } shouldBe chain }
        certificates("one\ntwo\n$plain").first().line() shouldBe 3
    }

    for (kind in KeyKind.entries) {
        val pair = kind.shared()
        test("a key of $kind is read in PKCS#8, plain and encrypted") {
            key(Pem.of(pair.private)) shouldBe pair.private
            key(Pem.encrypted(pair.private, "secret"), "secret") shouldBe pair.private
            key(Pem.of(pair.private), "not needed") shouldBe pair.private
        }
    }

    test("a key of RSA is read in its older form") {
        key(Pem.traditional(KeyKind.RSA.shared().private)) shouldBe KeyKind.RSA.shared().private
    }

    test("a password with letters that are not English works, or it is said that it does not") {
        val read = runCatching { key(Pem.encrypted(key, "größe"), "größe") }
        if (read.isFailure) read.exceptionOrNull()!!.message!! shouldContain "does not take this password" else read.getOrThrow() shouldBe key
    }

    test("keys that OpenSSL 3.0 has written are read") {
        key(WRITTEN_BY_OPENSSL_EC_WITH_PARAMETERS).algorithm shouldBe "EC"
        key(WRITTEN_BY_OPENSSL_AES_256, "geheim").algorithm shouldBe "EC"
        key(WRITTEN_BY_OPENSSL_ED25519).algorithm shouldBe "EdDSA"
    }

    fun refusedKey(name: String, text: String, password: String? = null, expected: String) = test("a key: $name") {
        val message = shouldThrow<PemException> { key(text, password) }.message!!
        message shouldStartWith folder.toString()
        message shouldContain expected
    }

    fun refused(name: String, text: String, expected: String) = test("a certificate: $name") {
        val message = shouldThrow<PemException> { certificates(text) }.message!!
        message shouldStartWith folder.toString()
        message shouldContain expected
    }

    val certificate = Pem.of(identity.certificate())
    val lines = certificate.lines()
    refused("an empty file", "", ": the file is empty")
    refused("no PEM at all", "hello\n", "has no line '-----BEGIN")
    refused("only a key", Pem.of(key), "has no certificate, only PRIVATE KEY")
    refused("cut off", lines.dropLast(3).joinToString("\n"), ", line 1: the CERTIFICATE has no end; the file has been cut off")
    refused("pasted into itself", lines.take(4).joinToString("\n") + "\n" + certificate, ", line 5: the CERTIFICATE of line 1 has no end")
    refused("ends as something else", certificate.replace("END CERTIFICATE", "END KEY"), "does not end the CERTIFICATE of line 1")
    refused("a wrong character", certificate.replaceFirst("MII", "M*I"), ", line 2: not Base64, at character 2")
    refused("damaged Base64", certificate.replaceFirst("MII", "M=I"), ", line 1: the Base64 of the CERTIFICATE is damaged")
    refused("no content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", ", line 1: the CERTIFICATE is empty")
    refused("no certificate in it", block("CERTIFICATE", ByteArray(20)), ", line 1: the certificate cannot be read")
    refused("OpenSSL's own form", block("TRUSTED CERTIFICATE", ByteArray(20)), "convert it by 'openssl x509 -in $folder")
    refused("PKCS#7", block("PKCS7", ByteArray(20)), "'openssl pkcs7 -print_certs -in $folder")
    refused("a request", block("CERTIFICATE REQUEST", ByteArray(20)), "is a request for a certificate")

    refusedKey("none", certificate, expected = "has no private key, only CERTIFICATE")
    refusedKey("two", Pem.of(key) + "\n" + Pem.of(key), expected = "more than one private key, in line 1 and in line ")
    refusedKey("encrypted, without a password", Pem.encrypted(key, "secret"), expected = ", line 1: the key is encrypted, and no password")
    refusedKey("encrypted, with a wrong password", Pem.encrypted(key, "secret"), "wrong", ", line 1: the password is wrong")
    refusedKey("encrypted, with an empty password", Pem.encrypted(key, "secret"), "", ", line 1: the password is wrong")
    refusedKey("encrypted in the old way", Pem.traditional(key, "secret"), "secret", "convert it by 'openssl pkcs8 -topk8")
    refusedKey("encrypted by scrypt", WRITTEN_BY_OPENSSL_SCRYPT, "geheim", "the JDK cannot decrypt")
    refusedKey("of OpenSSH", block("OPENSSH PRIVATE KEY", ByteArray(20)), expected = "'ssh-keygen -p -m PKCS8 -f $folder")
    refusedKey("of DSA", block("DSA PRIVATE KEY", ByteArray(20)), expected = "TLS 1.3 has no such keys")
    refusedKey("no content that makes sense", block("PRIVATE KEY", ByteArray(20)), expected = ", line 1: the PRIVATE KEY cannot be read")
    refusedKey("cut off inside", block("PRIVATE KEY", key.encoded.copyOf(30)), expected = ", line 1: the PRIVATE KEY cannot be read")
    refusedKey("RSA that is none", block("RSA PRIVATE KEY", ByteArray(20)), expected = ", line 1: the RSA PRIVATE KEY cannot be read")
    refusedKey("EC that is none", block("EC PRIVATE KEY", ByteArray(20)), expected = ", line 1: the EC PRIVATE KEY cannot be read")
    refusedKey("EC without a curve", block("EC PRIVATE KEY", byteArrayOf(0x30, 6, 2, 1, 1, 4, 1, 7)), expected = "does not name its curve")
    refusedKey(
        "of an algorithm that nobody knows",
        block("PRIVATE KEY", byteArrayOf(0x30, 13, 2, 1, 0, 0x30, 4, 6, 2, 42, 3, 4, 2, 4, 0)),
        expected = "no keys of the algorithm 1.2.3",
    )

    // One wrong password in 256 leaves a padding that is right; these do.
    for (password in listOf("wrong304", "wrong351")) {
        refusedKey("a wrong password that decrypts to something: $password", WRITTEN_BY_OPENSSL_AES_256, password, "the password is wrong")
    }

    test("files that cannot be read, and files that are no text") {
        fun refusal(path: Path) = shouldThrow<PemException> { PemFile.read(path) }.message!!
        refusal(folder / "none.pem") shouldBe "${folder / "none.pem"}: there is no such file"
        refusal((folder / "a.folder").createDirectory()) shouldContain "is a folder; name a file in it"
        val der = (folder / "a.der").also { it.writeBytes(identity.certificate().encoded) }
        refusal(der) shouldContain "'openssl x509 -inform der -in $der'"
        val wide = (folder / "wide.pem").also { it.writeText("$certificate", Charsets.UTF_16) }
        refusal(wide) shouldContain "UTF-16"
        refusal(Path.of("/dev/zero")) shouldContain "more than 16 MiB"
        if (System.getProperty("user.name") != "root") {
            val secret = file(certificate).apply { setPosixFilePermissions(PosixFilePermissions.fromString("---------")) }
            refusal(secret) shouldContain "no right to read"
        }
    }

    test("any file at all is either read or refused, and never breaks anything else") {
        val chance = Random(7)
        val path = folder / "mutated.pem"
        // Texts that are always the same, where a key is encrypted: a file says itself how much its key costs.
        val texts = listOf(
            certificate to 500,
            Pem.of(key) to 500,
            Pem.traditional(KeyKind.RSA.shared().private) to 500,
            WRITTEN_BY_OPENSSL_EC_WITH_PARAMETERS to 500,
            WRITTEN_BY_OPENSSL_AES_256 to 100,
        )
        for ((text, times) in texts) repeat(times) { turn ->
            val bytes = text.toByteArray()
            repeat(chance.nextInt(1, 4)) { bytes[chance.nextInt(bytes.size)] = chance.nextInt(256).toByte() }
            path.writeBytes(if (turn % 5 == 0) bytes.copyOf(chance.nextInt(bytes.size)) else bytes)
            for (use in listOf<(PemFile) -> Any>({ it.certificates() }, { it.privateKey("geheim".toCharArray()) })) {
                try {
                    use(PemFile.read(path))
                } catch (_: PemException) {
                    // refused
                }
            }
        }
    }
})

private fun block(label: String, content: ByteArray): String =
    "-----BEGIN $label-----\n${Base64.getMimeEncoder(64, byteArrayOf(10)).encodeToString(content)}\n-----END $label-----\n"

/** `openssl ecparam -genkey`, for this spec only. */
private val WRITTEN_BY_OPENSSL_EC_WITH_PARAMETERS = """
-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIDdzv4aBwHX3UAvwCphSe7g9pNRlVqPwpLi4o5F3LkbeoAoGCCqGSM49
AwEHoUQDQgAEnK3Kww3wRdHUrY+10SQsCyn0Y4GYKsVNGoLAJksUcU+SN1rtYf0m
1vcVrQnmB+2kxdsiLDs+glntM13zGxQrPg==
-----END EC PRIVATE KEY-----
"""

/** `openssl pkcs8 -topk8 -v2 aes256`, for this spec only. */
private val WRITTEN_BY_OPENSSL_AES_256 = """
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgnc+1fzEImqwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEECC16mmVQA1HGuvoqpujgjgEgZAO
kThbL/p2ptQStlUsQF+SYCspUZ8UvGZytintbFWRbLmwdWlfH8IrPfaawBQUv9nX
vzKC1tIh4AlO9D2Loy45K4UAb/g+jfJJSJY5DkXsZPtv6xNlFI78iZetHmwLLm94
R8FpLIfGNIoguVUpjiCDThn85R+cfgEKO7Moaxh9m5RfsacXpB2LAFgVDnNYV5o=
-----END ENCRYPTED PRIVATE KEY-----
"""

/** `openssl genpkey -algorithm ed25519`, for this spec only. */
private val WRITTEN_BY_OPENSSL_ED25519 = """
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICRgUVW4ntKjuMMSytnPJvDPf+pKRgl5B3NV6K/RBg0t
-----END PRIVATE KEY-----
"""

/** `openssl pkcs8 -topk8 -scrypt`, for this spec only. */
private val WRITTEN_BY_OPENSSL_SCRYPT = """
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHjME4GCSqGSIb3DQEFDTBBMCAGCSsGAQQB2kcECzATBAimRA2F3K8rbgIBEAIB
CAIBATAdBglghkgBZQMEASoEEDucKxZP+YM38Q9v7IaqlhcEgZAd/euzcGE2J5Ze
qH4+zERSI2UXx/XRCNh/zUSh4w5sICWjC3kgqUJJAhviZ9ywF8odGIzH5Gt+bXk5
Y8keJdwczQPa7+HVyhQ5cDlvG4Grw3UgmL0TsTxMY6v4EwbvCmYqVgI6hQ9bKzRp
uOM3FDiuZKZN5fpSgk3IcUVbbQdadEUxDKBCp09jzMwYsZ08nWg=
-----END ENCRYPTED PRIVATE KEY-----
"""
