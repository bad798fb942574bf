package io.netpark.samples.http

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.maps.shouldNotContainKey
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.isAtEnd
import io.netpark.samples.whileDoing
import java.io.IOException
import java.net.Socket
import java.time.Duration
import java.time.ZonedDateTime
import java.time.format.DateTimeFormatter
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.measureTime

class HttpSpec : SampleSpec({
    val http by lazy { RunningHttp("--loops", "1") }
    val impatient by lazy { RunningHttp("--loops", "1", "--head-timeout", "1") }
    afterSpec {
        http.close()
        impatient.close()
    }

    fun ask(text: String): Received = http.dial().use { client ->
        client.send(text)
        client.getInputStream().receive()!!
    }

    test("pages to load it by") {
        val plain = ask("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.status shouldBe 200
        plain.text shouldBe "Hello, World!"
        plain.fields["content-type"] shouldBe "text/plain"
        plain.fields["server"] shouldBe "netpark"
        plain.fields["date"]!! shouldMatch Regex("""\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT""")
        val date = ZonedDateTime.parse(plain.fields["date"], DateTimeFormatter.RFC_1123_DATE_TIME)
        Duration.between(date, ZonedDateTime.now()).toSeconds().toInt() shouldBeInRange 0..60
        val json = ask("GET /json?x HTTP/1.1\r\nHost: x\r\n\r\n")
        Pair(json.text, json.fields["content-type"]) shouldBe Pair("""{"message":"Hello, World!"}""", "application/json")
    }

    test("HEAD has the length and no body, and the next answer follows") {
        http.dial().use { client ->
            client.send("HEAD /plaintext HTTP/1.1\r\nHost: x\r\n\r\nGET /json HTTP/1.1\r\nHost: x\r\n\r\n")
            client.getInputStream().receive(isHead = true)!!.fields["content-length"] shouldBe "13"
            client.getInputStream().receive()!!.text shouldBe """{"message":"Hello, World!"}"""
        }
    }

    test("methods that something does not have: 405, and those that it has") {
        fun allow(method: String, path: String) =
            ask("$method $path HTTP/1.1\r\nHost: x\r\n\r\n").run { Pair(status, fields["allow"]) }
        allow("DELETE", "/plaintext") shouldBe Pair(405, "GET, HEAD")
        allow("OPTIONS", "/json") shouldBe Pair(405, "GET, HEAD")
        allow("TRACE", "/a") shouldBe Pair(405, "GET, HEAD")
        allow("GET", "/echo") shouldBe Pair(405, "POST, PUT")
    }

    test("without a folder there are no files") {
        ask("GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n").status shouldBe 404
    }

    test("who stays, and who is told") {
        fun connection(request: String) = http.dial().use { client ->
            client.send(request)
            val field = client.getInputStream().receive()!!.fields["connection"]
            field to (field == "close" && client.getInputStream().isAtEnd())
        }
        connection("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n") shouldBe Pair(null, false)
        connection("GET /plaintext HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") shouldBe Pair("close", true)
        connection("GET /plaintext HTTP/1.0\r\n\r\n") shouldBe Pair("close", true)
        connection("GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") shouldBe Pair("keep-alive", false)
        connection("POST /plaintext HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde") shouldBe Pair("close", true)
    }

    test("a whole URI is as good as its path, whatever the field Host says") {
        ask("GET http://elsewhere/plaintext HTTP/1.1\r\nHost: x\r\n\r\n").text shouldBe "Hello, World!"
        ask("GET http://elsewhere HTTP/1.1\r\nHost: x\r\n\r\n").status shouldBe 404
    }

    test("malformed requests are refused, and the connection ends") {
        // Paths are looked at only where there are files; all else is refused by whatever is asked for.
        for ((text, status) in MALFORMED) {
            http.dial().use { client ->
                client.send(text)
                val answer = client.getInputStream().receive()!!
                Triple(text, answer.status, answer.fields["connection"]) shouldBe Triple(text, status, "close")
                client.getInputStream().isAtEnd() shouldBe true
            }
        }
    }

    test("an answer before a malformed request arrives, whatever else was sent") {
        http.dial().use { client ->
            client.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost : x\r\n\r\n" + "x".repeat(100_000))
            client.getInputStream().receive()!!.status shouldBe 200
            client.getInputStream().receive()!!.status shouldBe 400
            client.getInputStream().isAtEnd() shouldBe true
        }
    }

    context("bodies") {
        fun chunked(body: String) = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n$body"

        test("with a length, and in chunks with extensions and trailers") {
            ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde").text shouldBe "abcde"
            ask("PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").text shouldBe ""
            ask(chunked("3\r\nabc\r\n0000a ; x=\"y\"\r\n0123456789\r\n0\r\nT: 1\r\nU: 2\r\n\r\n")).text shouldBe "abc0123456789"
            ask(chunked("0\r\n\r\n")).text shouldBe ""
        }

        test("malformed ones are refused") {
            val malformed = listOf(
                "\r\nabc\r\n0\r\n\r\n", "g\r\n", "-1\r\n", "0x3\r\nabc\r\n", "3\nabc\r\n", "3\r\nabcd\r\n",
                "3\r\nabc\n0\r\n\r\n", "3\r\nabcX\n0\r\n\r\n", "3 3\r\nabc\r\n", " 3\r\nabc\r\n", "3;\u0000\r\nabc\r\n", "0\r\nT : 1\r\n\r\n",
                "0\r\n folded\r\n\r\n", "0\r\nT\r\n\r\n", "3;${"x".repeat(2000)}\r\n",
            )
            for (body in malformed) ask(chunked(body)).let { Pair(body, it.status) shouldBe Pair(body, 400) }
        }

        test("too long ones are refused, those with a length before they come") {
            ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n").status shouldBe 413
            ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n").status shouldBe 413
            ask(chunked("100001\r\n")).status shouldBe 413
            ask(chunked("ffffffffffffffffffff\r\n")).status shouldBe 413
            ask(chunked("1\r\na\r\n100000\r\n")).status shouldBe 413
            ask(chunked("1;x=${"y".repeat(1000)}\r\na\r\n".repeat(20))).status shouldBe 413
            ask(chunked("1;x=${"y".repeat(1000)}\r\na\r\n".repeat(16) + "0\r\n\r\n")).text shouldBe "a".repeat(16)
            ask(chunked("0\r\n" + "T: ${"y".repeat(1000)}\r\n".repeat(20))).status shouldBe 400
        }

        test("the longest one, and chunks of a byte: whole, and cheap to hold") {
            val bytes = Random(4).nextBytes(1 shl 20)
            http.dial().use { client ->
                val answers = whileDoing({
                    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.size}\r\n\r\n")
                    client.getOutputStream().write(bytes)
                    client.send(chunked("1\r\nz\r\n".repeat(100_000) + "0\r\n\r\n"))
                }) { List(2) { client.getInputStream().receive()!! } }
                answers[0].body.contentEquals(bytes) shouldBe true
                answers[1].text shouldBe "z".repeat(100_000)
            }
        }

        test("who waits to be told to go on is told, and who is refused is not") {
            http.dial().use { client ->
                client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
                client.getInputStream().receive()!!.status shouldBe 100
                client.send("abc")
                client.getInputStream().receive()!!.text shouldBe "abc"
            }
            ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n").status shouldBe 413
            ask("POST /json HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").status shouldBe 405
        }
    }

    test("pipelined requests in pieces of any size are answered in order") {
        val random = Random(5)
        val expected = mutableListOf<String>()
        val requests = buildString {
            repeat(600) { number ->
                val body = "$number".repeat(random.nextInt(1, 30))
                when (random.nextInt(4)) {
                    0 -> append("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n").also { expected += "Hello, World!" }
                    1 -> append("GET /nothing HTTP/1.1\r\nHost: x\r\nA: $body\r\n\r\n").also { expected += "404 Not Found\n" }
                    2 -> {
                        append("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n$body")
                        expected += body
                    }
                    else -> {
                        append("PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                        body.chunked(random.nextInt(1, 20)).forEach { append("${it.length.toString(16)}\r\n$it\r\n") }
                        append("0\r\n\r\n").also { expected += body }
                    }
                }
            }
        }.encodeToByteArray()
        for (largest in listOf(7, 200, 20_000)) {
            http.dial().use { client ->
                val answers = whileDoing({
                    var at = 0
                    while (at < requests.size) {
                        val count = minOf(random.nextInt(1, largest + 1), requests.size - at)
                        client.getOutputStream().write(requests, at, count)
                        at += count
                    }
                    client.shutdownOutput()
                }) { generateSequence { client.getInputStream().receive() }.map { it.text }.toList() }
                answers shouldBe expected
            }
        }
    }

    test("a head that trickles in has a second for all of it: 408") {
        impatient.dial().use { client ->
            val took = measureTime { // from before its first byte
                client.send("GET /plaintext HTTP/1.1\r\n")
                whileDoing({
                    try {
                        while (true) {
                            client.send("X: y\r\n")
                            Thread.sleep(50)
                        }
                    } catch (_: IOException) {
                        // It has been closed: by the server, or when the answer is here.
                    }
                }) {
                    client.getInputStream().receive()!!.run { Pair(status, fields["connection"]) } shouldBe Pair(408, "close")
                    client.close()
                }
            }
            (took >= 900.milliseconds) shouldBe true
        }
    }

    test("who is silent between requests has more time than for a head") {
        impatient.dial().use { client ->
            repeat(2) {
                client.send("\r\n")
                Thread.sleep(1500)
                client.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
                client.getInputStream().receive()!!.status shouldBe 200
            }
        }
    }

    test("who is silent for longer than the idle timeout, or never reads, is gone") {
        RunningHttp("--idle-timeout", "0.5").use { server ->
            val before = server.openDescriptors()
            val stuck = server.dial()
            server.dial().use { it.getInputStream().isAtEnd() shouldBe true }
            try {
                while (true) stuck.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000))
            } catch (e: IOException) {
                e.message!! shouldMatch Regex("(?i)connection reset.*|broken pipe.*")
            } finally {
                stuck.close()
            }
            server.awaitDescriptors(before)
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("clients that vanish anywhere leave nothing behind") {
        ask("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
        RunningHttp("--loops", "1").use { server ->
            server.dial().use { it.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"); it.getInputStream().receive() }
            server.awaitStillness()
            val before = server.openDescriptors()
            val request = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"
            for (at in request.indices) {
                for (isReset in listOf(false, true)) {
                    server.dial().use {
                        it.setSoLinger(isReset, 0)
                        it.send(request.substring(0, at))
                    }
                }
            }
            server.awaitDescriptors(before)
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("SIGTERM: who waits for nothing is let go, a request in progress is answered, status 0") {
        RunningHttp("--drain", "30").use { server ->
            val idle = server.dial()
            idle.send("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n")
            idle.getInputStream().receive()!!.fields shouldNotContainKey "connection"
            val busy = server.dial()
            busy.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            busy.getInputStream().receive()!!.status shouldBe 100
            server.program.signal("TERM")
            idle.getInputStream().isAtEnd() shouldBe true
            busy.send("abc")
            val last = busy.getInputStream().receive()!!
            Pair(last.text, last.fields["connection"]) shouldBe Pair("abc", null)
            busy.getInputStream().isAtEnd() shouldBe true
            listOf(idle, busy).forEach(Socket::close)
            server.program.status() shouldBe 0
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("wrong options: the usage, status 2") {
        for (wrong in listOf("", "--port 0 --root /nowhere", "--port 0 --connections 0", "--port 0 --idle-timeout 0")) {
            RunningProgram("io.netpark.samples.http.HttpKt", *wrong.split(' ').filter { it.isNotEmpty() }.toTypedArray()).use {
                it.status() shouldBe 2
                it.errorLines().joinToString("\n") shouldContain "Usage: samples/run http"
            }
        }
    }

    test("both bindings can be asked for; one that is not there is named in one line") {
        fun works(binding: String) = RunningHttp("--binding", binding).use { server ->
            server.dial().use {
                it.send("GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
                it.getInputStream().receive()!!.status shouldBe 200
            }
        }
        works("jna")
        if (Runtime.version().feature() >= 22) {
            works("ffm")
        } else {
            RunningProgram("io.netpark.samples.http.HttpKt", "--port", "0", "--binding", "ffm").use {
                it.status() shouldBe 1
                it.errorLines().shouldBeSingleton { line -> line shouldContain "needs JDK 22" }
            }
        }
    }
})

/** Until the descriptors of the client before are closed. */
private fun RunningHttp.awaitStillness() {
    var last = -1
    while (openDescriptors() != last) {
        last = openDescriptors()
        Thread.sleep(100)
    }
}

/** One of each kind; the parser's own spec has them all. */
private val MALFORMED = listOf(
    "GET\r\n\r\n" to 400,
    "GET / HTTP/1.1\nHost: x\n\n" to 400,
    "GET / HTTP/2.0\r\nHost: x\r\n\r\n" to 505,
    "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    "CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    "GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n" to 414,
    "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/1.1\r\n\r\n" to 400,
    "GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(100)}\r\n" to 431,
    "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=0-\r\nRange: bytes=1-\r\n\r\n" to 400,
    "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n" to 417,
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" to 400,
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" to 501,
)
