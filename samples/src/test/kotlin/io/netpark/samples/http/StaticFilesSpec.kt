package io.netpark.samples.http

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.SampleSpec
import io.netpark.samples.createSparse
import io.netpark.samples.needs
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.net.Socket
import java.net.SocketException
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.WRITE
import java.nio.file.attribute.FileTime
import java.time.Instant
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import kotlin.io.path.createDirectories
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText
import kotlin.random.Random
import kotlin.time.Duration.Companion.minutes

/** The files of a folder, as curl and others get them. */
class StaticFilesSpec : SampleSpec({
    val folder: Path = Files.createTempDirectory("http")
    afterSpec { folder.toFile().deleteRecursively() }
    val root = folder.resolve("root").createDirectories()
    val letters = root.resolve("letters.txt").apply { writeText("abcdefghij") }
    val large = Random(6).nextBytes(3_000_000).also { root.resolve("large.bin").writeBytes(it) }
    folder.resolve("secret.txt").writeText("secret")
    folder.resolve("root-2").createDirectories().resolve("secret.txt").writeText("secret")
    root.resolve("sub dir").createDirectories().resolve("index.html").writeText("<p>index")
    root.resolve("empty").writeText("")
    root.resolve("inside.txt").createSymbolicLinkPointingTo(letters)
    root.resolve("outside.txt").createSymbolicLinkPointingTo(Path.of("../secret.txt"))
    root.resolve("up").createSymbolicLinkPointingTo(folder)
    root.resolve("loop").createSymbolicLinkPointingTo(Path.of("loop"))
    Files.setLastModifiedTime(letters, FileTime.from(Instant.parse("2026-01-02T03:04:05.6Z")))

    val http by lazy { RunningHttp("--loops", "1", "--root", "$root") }
    afterSpec { http.close() }

    fun ask(path: String, vararg fields: String, method: String = "GET"): Received = http.ask(path, *fields, method = method)

    test("a file, and what is said of it") {
        val answer = ask("/letters.txt")
        Pair(answer.status, answer.text) shouldBe Pair(200, "abcdefghij")
        answer.fields["content-type"] shouldBe "text/plain; charset=utf-8"
        answer.fields["last-modified"] shouldBe "Fri, 02 Jan 2026 03:04:05 GMT"
        val head = ask("/letters.txt", method = "HEAD")
        (head.fields - "date") shouldBe (answer.fields - "date")
        ask("/large.bin").body.contentEquals(large) shouldBe true
        ask("/empty").run { Pair(status, text) } shouldBe Pair(200, "")
        ask("/sub%20dir/").run { Pair(text, fields["content-type"]) } shouldBe Pair("<p>index", "text/html; charset=utf-8")
        ask("/inside.txt").text shouldBe "abcdefghij"
    }

    test("what is no file, or not in the folder, is not there") {
        val nothing = listOf(
            "/nothing", "/", "/sub%20dir", "/letters.txt/", "/letters.txt/x", "//letters.txt", "/sub%20dir//index.html", "/loop",
            "/outside.txt", "/up/secret.txt", "/up/root/letters.txt2", "/up/root-2/secret.txt", "/${"x".repeat(300)}",
        )
        for (path in nothing) Pair(path, ask(path).status) shouldBe Pair(path, 404)
        ask("/up/root/letters.txt").status shouldBe 200 // it leads back
    }

    test("a pipe does not hold anybody") {
        ProcessBuilder("mkfifo", "${root.resolve("pipe")}").start().waitFor() shouldBe 0
        ask("/pipe").status shouldBe 404
    }

    test("ranges") {
        fun range(value: String, vararg others: String) =
            ask("/letters.txt", "Range: $value", *others).run { Triple(status, text, fields["content-range"]) }
        range("bytes=2-4") shouldBe Triple(206, "cde", "bytes 2-4/10")
        range("bytes=8-") shouldBe Triple(206, "ij", "bytes 8-9/10")
        range("bytes=-3") shouldBe Triple(206, "hij", "bytes 7-9/10")
        range("bytes=0-99") shouldBe Triple(206, "abcdefghij", "bytes 0-9/10")
        range("bytes=10-") shouldBe Triple(416, "416 Range Not Satisfiable\n", "bytes */10")
        range("bytes=1-2,4-5") shouldBe Triple(206, "bcdef", "bytes 1-5/10") // to send them apart would be more
        range("lines=1-2") shouldBe Triple(200, "abcdefghij", null)
        val tag = ask("/letters.txt").fields["etag"]!!
        range("bytes=2-4", "If-Range: $tag").first shouldBe 206
        range("bytes=2-4", "If-Range: Fri, 02 Jan 2026 03:04:05 GMT").first shouldBe 206
        range("bytes=2-4", "If-Range: \"other\"").first shouldBe 200
        range("bytes=2-4", "If-Range: W/$tag").first shouldBe 200
        ask("/letters.txt", "Range: bytes=2-4", method = "HEAD").status shouldBe 200
    }

    test("who has this version is told so") {
        val tag = ask("/letters.txt").fields["etag"]!!
        fun status(vararg fields: String) = ask("/letters.txt", *fields).run { Pair(status, body.size) }
        status("If-None-Match: $tag") shouldBe Pair(304, 0)
        status("If-None-Match: \"a\", W/$tag") shouldBe Pair(304, 0)
        status("If-None-Match: *") shouldBe Pair(304, 0)
        status("If-None-Match: \"a\"", "If-None-Match: $tag") shouldBe Pair(304, 0)
        status("If-None-Match: \"a\"", "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT") shouldBe Pair(200, 10)
        status("If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT") shouldBe Pair(304, 0)
        status("If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT") shouldBe Pair(200, 10)
        status("If-Modified-Since: yesterday") shouldBe Pair(200, 10)
        status("If-None-Match: $tag", "Range: bytes=1-2") shouldBe Pair(304, 0)
    }

    test("what is said of a file is said of one version, also while one takes the place of the other") {
        val versions = List(2) { folder.resolve("version $it").apply { writeText("x".repeat(10 + it)) } }
        versions.forEachIndexed { i, version -> Files.setLastModifiedTime(version, FileTime.from(Instant.ofEpochSecond(1L + i))) }
        val file = root.resolve("replaced.txt")
        fun replaceBy(version: Path) {
            val link = Files.createLink(folder.resolve("link"), version)
            Files.move(link, file, ATOMIC_MOVE)
        }
        val tags = StaticFolder(root).run {
            val expected = versions.map { version ->
                replaceBy(version)
                open("replaced.txt")!!.use { it.validators.tag }
            }
            val isOver = AtomicBoolean()
            val replacing = thread { while (!isOver.get()) versions.forEach { replaceBy(it) } }
            try {
                val seen = mutableSetOf<String>()
                val end = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L
                do { // the other thread may have no turn for as long as that takes
                    repeat(5_000) { seen += open("replaced.txt")!!.use { it.validators.tag } }
                } while (seen.size < 2 && System.nanoTime() - end < 0)
                expected to seen
            } finally {
                isOver.set(true)
                replacing.join()
            }
        }
        tags.second shouldBe tags.first.toSet()
    }

    test("a file that is deleted arrives, one that is cut off does not, and nobody else notices") {
        val doomed = root.resolve("doomed.bin")
        val content = Random(7).nextBytes(30_000_000) // more than the buffers of two sockets
        for (isCut in listOf(false, true)) {
            doomed.writeBytes(content)
            http.dial().use { client ->
                client.send("GET /doomed.bin HTTP/1.1\r\nHost: x\r\n\r\n")
                val input = client.getInputStream()
                val start = input.readNBytes(1000)
                if (isCut) FileChannel.open(doomed, WRITE).use { it.truncate(100) } else Files.delete(doomed)
                val all = start + if (isCut) input.readUpToReset() else client.readAll()
                val body = all.copyOfRange(all.decodeToString(endIndex = 1000).indexOf("\r\n\r\n") + 4, all.size)
                body.contentEquals(content) shouldBe !isCut
                ask("/letters.txt").status shouldBe 200
            }
        }
        ask("/doomed.bin").body.contentEquals(content.copyOf(100)) shouldBe true
        http.program.errorLines().shouldBeEmpty()
    }

    test("clients that vanish in the midst of a file leave nothing behind") {
        http.leaveInTheMidst("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n", 100_000)
    }

    test("a slow reader gets all of it, and nobody waits for that") {
        http.dial().use { slow ->
            slow.receiveBufferSize = 8 * 1024
            slow.send("GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /letters.txt HTTP/1.1\r\nHost: x\r\n\r\n")
            val start = slow.getInputStream().readNBytes(1000)
            val rss = http.program.rssKiB()
            repeat(20) { ask("/large.bin").body.size shouldBe large.size }
            http.program.rssKiB() - rss shouldBeLessThan 64 * 1024
            val rest = (start + slow.readAll()).decodeToString(throwOnInvalidSequence = false)
            rest shouldContain "HTTP/1.1 200 OK"
            rest.endsWith("\r\n\r\nabcdefghij") shouldBe true
        }
    }

    context("curl").config(enabledOrReasonIf = { needs("curl", "--version") }) {
        test("GET, HEAD, ranges, HTTP/1.0") {
            http.curl("/large.bin").contentEquals(large) shouldBe true
            http.curl("/large.bin", "--http1.0").contentEquals(large) shouldBe true
            http.curl("/large.bin", "-r", "1000000-1999999").contentEquals(large.copyOfRange(1_000_000, 2_000_000)) shouldBe true
            http.curl("/large.bin", "-r", "-10").contentEquals(large.copyOfRange(2_999_990, 3_000_000)) shouldBe true
            http.curl("/large.bin", "-I").decodeToString() shouldContain "Content-Length: 3000000\r\n"
            http.curlStatus("/large.bin", "-r", "3000000-") shouldBe 416
            http.curlStatus("/letters.txt", "-z", "Mon, 01 Jun 2026 00:00:00 GMT") shouldBe 304
        }

        test("uploads: told to continue, in chunks, or too much") {
            val file = folder.resolve("upload").apply { writeBytes(large.copyOf(1_000_000)) }
            fun echoed(vararg options: String) =
                http.curl("/echo", "--data-binary", "@$file", *options).contentEquals(Files.readAllBytes(file))
            echoed() shouldBe true
            echoed("-H", "Expect: 100-continue") shouldBe true
            echoed("-H", "Transfer-Encoding: chunked") shouldBe true
            http.curlStatus("/echo", "--data-binary", "@${root.resolve("large.bin")}") shouldBe 413
            http.curlStatus("/letters.txt", "--data-binary", "@$file") shouldBe 405
        }

        test("no way out of the folder") {
            val ways = listOf(
                "/../secret.txt", "/sub%20dir/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt", "/..%2fsecret.txt",
                "/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/letters.txt%00.html", "/./letters.txt", "/%c0%ae%c0%ae/secret.txt",
            )
            for (way in ways) Pair(way, http.curlStatus(way, "--path-as-is")) shouldBe Pair(way, 400)
            for (way in listOf("//etc/passwd", "/outside.txt", "/up/secret.txt", "/%252e%252e/secret.txt")) {
                Pair(way, http.curlStatus(way, "--path-as-is")) shouldBe Pair(way, 404)
            }
        }

        test("three gibibytes arrive as they are").config(timeout = 5.minutes) {
            val huge = root.resolve("huge.bin")
            try {
                createSparse(huge, 3L shl 30, 0L, 1L shl 20, (1L shl 31) - 500, (1L shl 31) + 4096)
                // Compared by cmp while it comes: it would fill the disk.
                val pipeline = ProcessBuilder.startPipeline(
                    listOf(
                        ProcessBuilder("curl", "-sS", "--max-time", "${8 * PATIENCE_SECONDS}", http.url("/huge.bin")),
                        ProcessBuilder("cmp", "-", "$huge").redirectErrorStream(true),
                    ),
                )
                pipeline.last().inputStream.readAllBytes().decodeToString() shouldBe ""
                pipeline.map { it.waitFor() } shouldBe listOf(0, 0)
                http.curl("/huge.bin", "-r", "${(1L shl 31) - 500}-${(1L shl 31) + 499}")
                    .contentEquals(Random((1L shl 31) - 500).nextBytes(1000)) shouldBe true
            } finally {
                Files.delete(huge)
            }
        }
    }
})

/** What comes before the reset that says that it is not all. */
private fun InputStream.readUpToReset(): ByteArray {
    val read = ByteArrayOutputStream()
    try {
        transferTo(read)
    } catch (_: SocketException) {
        return read.toByteArray()
    }
    error("what was cut off looks like all of it: ${read.size()} bytes and the end")
}

private fun Socket.readAll(): ByteArray {
    shutdownOutput()
    return getInputStream().readAllBytes()
}
