package io.netpark.samples.http

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.samples.Certificates
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.program
import io.netpark.samples.soon
import java.math.BigInteger
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardCopyOption.REPLACE_EXISTING
import java.security.cert.X509Certificate
import kotlin.io.path.createDirectories
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText
import kotlin.random.Random

/** The http sample over TLS. */
class HttpsSpec : SampleSpec({
    val curl = needs("curl", "--version")
    val folder: Path = Files.createTempDirectory("https")
    afterSpec { folder.toFile().deleteRecursively() }
    val root = folder.resolve("root").createDirectories()
    root.resolve("letters.txt").writeText("abcdefghij")
    val large = Random(6).nextBytes(20_000_000).also { root.resolve("large.bin").writeBytes(it) }

    val https by lazy { RunningHttp("--loops", "1", "--root", "$root", *Certificates.options) }
    afterSpec { https.close() }

    fun RunningHttp.trusting(path: String, vararg options: String) = curl(path, "--cacert", "${Certificates.ca}", *options)

    test("the line that it tells gets a file, with the certificate that it makes itself").config(enabledOrReasonIf = { curl }) {
        RunningProgram("io.netpark.samples.http.HttpKt", "--port", "0", "--tls", "--root", "$root").use { http ->
            val port = http.line()!!.substringAfterLast(':')
            http.line()!! shouldContain "TLS by a certificate of its own in "
            val line = http.line()!!.trim()
            line shouldContain "curl --cacert "
            line shouldContain " https://127.0.0.1:$port/"
            for (host in listOf("127.0.0.1", "localhost")) { // it listens on IPv4 alone
                val (said, status) = program("sh", "-c", "exec ${line.replace("127.0.0.1", host)}letters.txt -sS")
                Pair(said, status) shouldBe Pair("abcdefghij", 0)
            }
            http.errorLines().shouldBeEmpty()
        }
    }

    test("curl: what was agreed on, with either version and with HTTP/1.1 asked for").config(enabledOrReasonIf = { curl }) {
        for ((options, protocol) in listOf(
            listOf("--tls-max", "1.2") to "TLSv1.2", listOf("--tlsv1.3") to "TLSv1.3", listOf("--http1.1") to "TLSv1.3",
        )) {
            val (said, status) = program("curl", "-sSv", "--cacert", "${Certificates.ca}", *options.toTypedArray(), https.url("/plaintext"))
            withClue(said) {
                status shouldBe 0
                said shouldContain "SSL connection using $protocol"
                said.lowercase() shouldContain "alpn: server accepted http/1.1"
                said shouldContain "Hello, World!"
            }
        }
    }

    test("curl: files, whole and in part, and bodies").config(enabledOrReasonIf = { curl }) {
        https.trusting("/large.bin").contentEquals(large) shouldBe true
        https.trusting("/large.bin", "--tls-max", "1.2").contentEquals(large) shouldBe true
        https.trusting("/letters.txt", "-r", "2-4").decodeToString() shouldBe "cde"
        https.trusting("/letters.txt", "-r", "0-1,8-9").decodeToString() shouldContain "ij"
        val body = folder.resolve("body").apply { writeBytes(Random(7).nextBytes(900_000)) }
        https.trusting("/echo", "--data-binary", "@$body").contentEquals(Files.readAllBytes(body)) shouldBe true
        https.trusting("/nothing", "-o", "/dev/null", "-w", "%{http_code}").decodeToString() shouldBe "404"
    }

    test("requests one behind the other, and the end of the stream after the last answer") {
        Certificates.dial(https.port).use { client ->
            client.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3) + "GET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            val input = client.inputStream
            repeat(3) { input.receive()!!.text shouldBe "Hello, World!" }
            input.receive()!!.text shouldContain "message"
            input.read() shouldBe -1 // by close_notify: the JDK throws at an end without
        }
    }

    test("HTTP/2 alone is asked for: no application protocol").config(enabledOrReasonIf = { needs("openssl", "version") }) {
        RunningHttp(*Certificates.options).use { server ->
            program("openssl", "s_client", "-connect", "127.0.0.1:${server.port}", "-alpn", "h2").first shouldContain "SSL alert number 120"
            soon { server.program.errorLines().filter { "turned away" in it }.shouldBeSingleton { it shouldContain "application protocols" } }
        }
    }

    test("curl with a certificate, which the server wants; and without").config(enabledOrReasonIf = { curl }) {
        RunningHttp("--root", "$root", *Certificates.mutual).use { server ->
            server.trusting("/letters.txt", *Certificates.shown).decodeToString() shouldBe "abcdefghij"
            server.trusting("/letters.txt", "--tls-max", "1.2", *Certificates.shown).decodeToString() shouldBe "abcdefghij"
            val (said, status) = program("curl", "-sS", "--cacert", "${Certificates.ca}", server.url("/letters.txt"))
            status shouldNotBe 0
            said shouldContain "alert"
        }
    }

    test("certificates that are renewed, as certificate managers do it, are used from then on; bad ones are not") {
        fun generation(number: Int) = folder.resolve("generation-$number").createDirectories()
        fun issue(number: Int) = Certificates.authority.issue("localhost", "127.0.0.1").also {
            it.writeChain(generation(number).resolve("tls.crt"))
            it.writeKey(generation(number).resolve("tls.key"))
        }
        val link = folder.resolve("live")
        fun turnTo(number: Int) {
            val next = folder.resolve("next").createSymbolicLinkPointingTo(generation(number))
            Files.move(next, link, ATOMIC_MOVE, REPLACE_EXISTING)
        }
        val first = issue(1)
        turnTo(1)
        RunningHttp("--tls", "--cert", "$link/tls.crt", "--key", "$link/tls.key").use { server ->
            // Each time a client that knows nothing: a session that is resumed has the certificate that it was made with.
            fun serial(): BigInteger = Certificates.dial(server.port, from = Certificates.context().socketFactory).use {
                (it.session.peerCertificates.first() as X509Certificate).serialNumber
            }
            serial() shouldBe first.certificate().serialNumber
            Certificates.dial(server.port).use { old ->
                val second = issue(2)
                turnTo(2)
                soon { serial() shouldBe second.certificate().serialNumber }
                old.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
                old.inputStream.receive()!!.status shouldBe 200 // it goes on with what it has
                generation(3).resolve("tls.crt").writeText("nothing")
                generation(3).resolve("tls.key").writeText("nothing")
                turnTo(3)
                soon { server.program.errorLines().shouldBeSingleton { it shouldContain "tls.crt" } }
                serial() shouldBe second.certificate().serialNumber
            }
        }
    }

    test("wrk, without an error").config(enabledOrReasonIf = { needs("sh", "-c", "command -v wrk") }) {
        RunningHttp(*Certificates.options).use { server ->
            server.curlStatus("/plaintext", "--cacert", "${Certificates.ca}") shouldBe 200
            val before = server.openDescriptors()
            val (report, status) = program("wrk", "-t", "1", "-c", "50", "-d", "2", "--timeout", "30", server.url("/plaintext"))
            withClue(report) {
                status shouldBe 0
                report shouldNotContain "Socket errors"
                report shouldNotContain "Non-2xx"
                Regex("""(\d+) requests in""").find(report)!!.groupValues[1].toLong() shouldBeGreaterThan 0
            }
            server.awaitDescriptors(before)
            // On a busy machine its time may be over before all its handshakes are: those connections are closed or reset.
            val gone = listOf("in the handshake", "LogReporter", "ECONNRESET", "EPIPE")
            server.program.errorLines().filterNot { line -> gone.any { it in line } } shouldBe emptyList()
        }
    }
})
