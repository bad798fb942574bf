package io.netpark.samples

import java.io.IOException
import java.net.InetAddress
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.PosixFilePermissions
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.SecureRandom
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import java.time.Duration
import java.time.Instant
import java.util.Base64
import kotlin.io.path.createDirectories
import kotlin.io.path.deleteIfExists
import kotlin.io.path.exists
import kotlin.io.path.inputStream
import kotlin.io.path.isExecutable
import kotlin.io.path.isWritable
import kotlin.io.path.writeText

/**
 * A certificate for names of this machine that nobody else has signed, and its key, both in PEM. The JDK's keytool makes them; they are
 * kept for the next time, in a folder that only its owner may enter.
 */
internal class SelfSigned private constructor(val certificate: Path, val key: Path) {

    companion object {
        private val HERE = listOf("localhost", "127.0.0.1", "::1")
        private const val VALID_DAYS = 90

        /** One that ends sooner is made anew. */
        private val LEAST_LEFT = Duration.ofDays(1)

        private const val ALIAS = "netpark"
        private const val PASSWORD = "NETPARK_PASSWORD"
        private const val LINE = 64 // bytes (RFC 7468)
        private val OWNER_ONLY = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))

        /**
         * The one for a server on [host]: for `localhost` and the addresses of loopback, or for [host] if it is none of these.
         *
         * @throws IOException it cannot be made or kept
         */
        fun of(host: String, folder: Path = homeOrTemporary()): SelfSigned {
            val names = if (isHere(host)) HERE else listOf(host)
            val certificate = folder.resolve("${names.first()}.pem")
            val key = folder.resolve("${names.first()}.key")
            // One process makes it, and the others that come meanwhile find it.
            FileChannel.open(folder.resolve("lock"), CREATE, WRITE).use { channel ->
                channel.lock().use {
                    if (!key.exists() || !isGood(certificate)) make(folder, names, certificate, key)
                }
            }
            return SelfSigned(certificate, key)
        }

        private fun isHere(host: String): Boolean = host in HERE || InetAddress.getByName(host).isAnyLocalAddress

        /** Whether a certificate is there, and lasts for a while. */
        fun isGood(file: Path): Boolean = try {
            val certificate = file.inputStream().use { CertificateFactory.getInstance("X.509").generateCertificate(it) as X509Certificate }
            val now = Instant.now()
            certificate.notBefore.toInstant() <= now && certificate.notAfter.toInstant() - LEAST_LEFT > now
        } catch (_: NoSuchFileException) {
            false
        } catch (_: GeneralSecurityException) {
            false
        }

        private fun make(folder: Path, names: List<String>, certificate: Path, key: Path) {
            certificate.deleteIfExists() // first: it never lies beside the key of another
            val work = Files.createTempDirectory(folder, "work", OWNER_ONLY)
            try {
                val store = work.resolve("store")
                val password = password()
                keytool(store, password, names)
                val keys = KeyStore.getInstance(store.toFile(), password.toCharArray())
                write(work, key, "PRIVATE KEY", keys.getKey(ALIAS, password.toCharArray()).encoded)
                write(work, certificate, "CERTIFICATE", keys.getCertificate(ALIAS).encoded)
            } catch (e: GeneralSecurityException) {
                throw IOException("no certificate could be made: $e; give one by --cert and --key", e)
            } finally {
                work.toFile().deleteRecursively()
            }
        }

        private fun keytool(store: Path, password: String, names: List<String>) {
            val program = Path.of(System.getProperty("java.home"), "bin", "keytool")
            if (!program.isExecutable()) throw IOException("there is no $program to make a certificate; give one by --cert and --key")
            val alternatives = names.joinToString(",") { (if (isAddress(it)) "ip:" else "dns:") + it }
            val process = ProcessBuilder(
                "$program", "-genkeypair", "-alias", ALIAS, "-keyalg", "EC", "-groupname", "secp256r1", "-sigalg", "SHA256withECDSA",
                "-dname", "CN=${names.first()}", "-ext", "san=$alternatives", "-ext", "eku=serverAuth",
                "-startdate", "-1H", "-validity", "$VALID_DAYS", // begun for clients whose clocks are behind
                "-storetype", "PKCS12", "-keystore", "$store", "-storepass:env", PASSWORD,
            ).redirectErrorStream(true).apply { environment()[PASSWORD] = password }.start()
            process.outputStream.close()
            val said = process.inputStream.bufferedReader().readText().trim()
            if (process.waitFor() != 0) throw IOException("$program has made no certificate: $said; give one by --cert and --key")
        }

        private fun isAddress(name: String) = ':' in name || name.all { it.isDigit() || it == '.' }

        private fun password(): String = Base64.getEncoder().encodeToString(ByteArray(24).also { SecureRandom().nextBytes(it) })

        private fun write(work: Path, file: Path, what: String, content: ByteArray) {
            val lines = Base64.getMimeEncoder(LINE, "\n".toByteArray()).encodeToString(content)
            val whole = work.resolve("whole").apply { writeText("-----BEGIN $what-----\n$lines\n-----END $what-----\n") }
            Files.setPosixFilePermissions(whole, PosixFilePermissions.fromString(if (what == "CERTIFICATE") "rw-r--r--" else "rw-------"))
            Files.move(whole, file, ATOMIC_MOVE)
        }

        /** Of the user's state (XDG Base Directory Specification); where that cannot be written to, one that is never found again. */
        private fun homeOrTemporary(): Path {
            val state = System.getenv("XDG_STATE_HOME")?.let(Path::of)?.takeIf { it.isAbsolute }
                ?: Path.of(System.getProperty("user.home"), ".local", "state")
            val folder = state.resolve("netpark")
            try {
                if (folder.isAbsolute && folder.createDirectories(OWNER_ONLY).isWritable()) return folder // the home of nobody is "?"
            } catch (_: IOException) {
                // The home is read-only, or is none.
            }
            return Files.createTempDirectory("netpark")
        }
    }
}
