package io.netpark.samples.ktor

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.Certificates
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.program
import java.net.http.WebSocket
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat
import java.util.concurrent.LinkedBlockingQueue
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText
import kotlin.random.Random

private const val KTOR = "io.netpark.samples.ktor.KtorKt"

/** The ktor sample: the same of either engine. */
class KtorSpec : SampleSpec({
    val curl = needs("curl", "--version")
    val folder: Path = Files.createTempDirectory("ktor")
    afterSpec { folder.toFile().deleteRecursively() }
    folder.resolve("letters.txt").writeText("abcdefghij")
    val large = Random(8).nextBytes(3_000_000).also { folder.resolve("large.bin").writeBytes(it) }

    for (engine in listOf("netpark", "cio")) {
        val server by lazy { RunningKtor(engine, "--root", "$folder") }
        afterSpec { server.close() }

        fun curl(path: String, vararg options: String): String {
            val (said, status) = program("curl", "-sS", "--max-time", "30", *options, server.url(path))
            withClue(said) { status shouldBe 0 }
            return said
        }

        test("$engine: notes are made, listed, read and removed") {
            server.ask("GET", "/notes").body() shouldBe "[]"
            val made = server.ask("POST", "/notes", """{"text": "milk"}""")
            made.statusCode() shouldBe 201
            made.body() shouldBe """{"id":1,"text":"milk"}"""
            made.headers().firstValue("content-type").get() shouldContain "application/json"
            val at = made.headers().firstValue("location").get()
            server.ask("GET", at).body() shouldBe made.body()
            server.ask("GET", "/notes").body() shouldBe "[${made.body()}]"
            server.ask("DELETE", at).statusCode() shouldBe 204
            server.ask("GET", at).statusCode() shouldBe 404
            server.ask("GET", "/notes/x").statusCode() shouldBe 404
        }

        test("$engine: what is no note is refused, and says why") {
            for (wrong in listOf("", "{", "[]", """{"text": 5}""", """{"text": " "}""", """{"text": "${"x".repeat(2001)}"}""")) {
                val answer = server.ask("POST", "/notes", wrong)
                withClue(wrong) { answer.statusCode() shouldBe 400 }
                answer.body() shouldContain "at most 2000 characters"
            }
        }

        test("$engine: a change is an event at once") {
            val events = server.events()
            events.next() shouldBe "event: hello"
            val note = server.ask("POST", "/notes", """{"text": "bread"}""").body()
            // An event has its fields in any order.
            val lines = setOf(events.next(), events.next(), events.next())
            val id = note.substringAfter("\"id\":").substringBefore(',')
            lines shouldBe setOf("data: $note", "event: added", "id: $id")
        }

        test("$engine: what is said over a WebSocket is heard by all, and it is closed as it should be") {
            val (first, second) = List(2) { LinkedBlockingQueue<String>() }
            val sockets = listOf(first, second).map(server::live)
            listOf(first, second).forEach { it.next() shouldBe "hello" }
            sockets.first().sendText("eggs", true).get()
            for (heard in listOf(first, second)) heard.next() shouldContain "\"text\":\"eggs\""
            sockets.first().sendText(" ", true).get()
            first.next() shouldBe "refused"
            for ((socket, heard) in sockets.zip(listOf(first, second))) {
                socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get()
                heard.next() shouldBe "closed 1000"
            }
        }

        test("$engine: an upload is counted, and arrives as it was") {
            val digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(large))
            server.upload(large) shouldBe """{"length":${large.size},"sha256":"$digest"}"""
        }

        test("$engine: curl gets files, whole and none that is not there").config(enabledOrReasonIf = { curl }) {
            curl("/files/letters.txt") shouldBe "abcdefghij"
            val copy = folder.resolve("$engine.copy")
            curl("/files/large.bin", "-o", "$copy")
            Files.readAllBytes(copy).contentEquals(large) shouldBe true
            curl("/files/../../etc/passwd", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}") shouldBe "404"
        }

        test("$engine: curl uploads in chunks").config(enabledOrReasonIf = { curl }) {
            curl("/upload", "-H", "Transfer-Encoding: chunked", "--data-binary", "@${folder.resolve("large.bin")}") shouldContain
                """"length":${large.size}"""
        }

        test("$engine: a signal ends it, with status 0") {
            RunningKtor(engine, "--drain", "1").use { ending ->
                ending.ask("GET", "/").body() shouldBe "Hello, World!\n"
                ending.program.signal("TERM")
                ending.program.status() shouldBe 0
            }
        }
    }

    test("netpark: curl over HTTPS, with a certificate of ours and with one of its own").config(enabledOrReasonIf = { curl }) {
        RunningProgram(KTOR, "--port", "0", *Certificates.options).use { https ->
            val port = https.line()!!.substringAfterLast(':')
            program("curl", "-sS", "--cacert", "${Certificates.ca}", "https://localhost:$port/") shouldBe Pair("Hello, World!\n", 0)
        }
        RunningProgram(KTOR, "--port", "0", "--tls").use { https ->
            https.line()
            https.line()!! shouldContain "TLS by a certificate of its own in "
            program("sh", "-c", "exec ${https.line()!!.trim()} -sS") shouldBe Pair("Hello, World!\n", 0)
        }
    }

    test("netpark: clients must show a certificate, if authorities for them are given").config(enabledOrReasonIf = { curl }) {
        RunningProgram(KTOR, "--port", "0", *Certificates.mutual).use { https ->
            val port = https.line()!!.substringAfterLast(':')
            val trusting = arrayOf("curl", "-sS", "--cacert", "${Certificates.ca}", "https://localhost:$port/")
            program(*trusting, *Certificates.shown) shouldBe Pair("Hello, World!\n", 0)
            (program(*trusting).second != 0) shouldBe true
        }
    }

    test("cio: TLS is refused in one line") {
        RunningProgram(KTOR, "--port", "0", "--engine", "cio", "--tls").use { cio ->
            cio.status() shouldBe 2
            cio.errorLines().first() shouldContain "CIO has no HTTPS"
        }
    }

    test("the log has that it was started, and no trouble") {
        RunningKtor("netpark").use { quiet ->
            quiet.ask("GET", "/nothing").statusCode() shouldBe 404
            quiet.program.errorLines().filterNot { " INFO " in it }.shouldBeEmpty()
        }
    }
})
