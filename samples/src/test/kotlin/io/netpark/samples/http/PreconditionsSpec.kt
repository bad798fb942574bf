package io.netpark.samples.http

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import java.nio.file.Files
import java.nio.file.attribute.FileTime
import java.time.Instant
import kotlin.io.path.writeText

/** What requests demand of the version of a file, in the order of RFC 9110, 13.2.2. */
class PreconditionsSpec : SampleSpec({
    val root = Files.createTempDirectory("preconditions")
    val file = root.resolve("file.txt").apply { writeText("abcdefghij") }
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-01-02T03:04:05.6Z")))
    val http by lazy { RunningHttp("--loops", "1", "--root", "$root") }
    afterSpec {
        http.close()
        root.toFile().deleteRecursively()
    }
    val tag by lazy { http.ask("/file.txt").fields["etag"]!! }

    val at = "Fri, 02 Jan 2026 03:04:05 GMT"
    val before = "Fri, 02 Jan 2026 03:04:04 GMT"
    val after = "Sat, 03 Jan 2026 00:00:00 GMT"

    /** What stands behind a status is the fields of a request, with TAG for the file's own. */
    val cases = listOf(
        // If-Match compares strongly
        200 to "If-Match: TAG", 200 to "If-Match: *", 200 to "If-Match: \"a,b\" ,TAG", 200 to "If-Match: \"a\"\r\nIf-Match: TAG",
        412 to "If-Match: \"a\"", 412 to "If-Match: W/TAG", 412 to "If-Match: ", 412 to "If-Match: *, \"a\"",
        // If-Unmodified-Since
        200 to "If-Unmodified-Since: $at", 200 to "If-Unmodified-Since: $after", 412 to "If-Unmodified-Since: $before",
        200 to "If-Unmodified-Since: yesterday", 412 to "If-Unmodified-Since: Friday, 02-Jan-26 03:04:04 GMT",
        200 to "If-Unmodified-Since: Friday, 02-Jan-26 03:04:05 GMT", 412 to "If-Unmodified-Since: Fri Jan  2 03:04:04 2026",
        // a tag goes before a time
        200 to "If-Match: TAG\r\nIf-Unmodified-Since: $before", 412 to "If-Match: \"a\"\r\nIf-Unmodified-Since: $at",
        // If-None-Match compares weakly
        304 to "If-None-Match: TAG", 304 to "If-None-Match: W/TAG", 304 to "If-None-Match: *", 304 to "If-None-Match: \"a\", TAG",
        200 to "If-None-Match: \"a\"", 200 to "If-None-Match: ",
        // If-Modified-Since
        304 to "If-Modified-Since: $at", 304 to "If-Modified-Since: $after", 200 to "If-Modified-Since: $before",
        200 to "If-Modified-Since: 0", 304 to "If-Modified-Since: Friday, 02-Jan-26 03:04:05 GMT",
        304 to "If-Modified-Since: Fri Jan  2 03:04:05 2026",
        200 to "If-None-Match: \"a\"\r\nIf-Modified-Since: $at", 304 to "If-None-Match: TAG\r\nIf-Modified-Since: $before",
        // who must not get anything is told that first
        412 to "If-Match: \"a\"\r\nIf-None-Match: TAG", 304 to "If-Match: TAG\r\nIf-None-Match: TAG",
        304 to "If-Match: TAG\r\nIf-Modified-Since: $at", 412 to "If-Unmodified-Since: $before\r\nIf-Modified-Since: $at",
        304 to "If-Unmodified-Since: $at\r\nIf-None-Match: TAG",
        // ranges come last
        206 to "Range: bytes=1-2", 206 to "Range: bytes=1-2\r\nIf-Match: TAG", 412 to "Range: bytes=1-2\r\nIf-Match: \"a\"",
        304 to "Range: bytes=1-2\r\nIf-None-Match: TAG", 206 to "Range: bytes=1-2\r\nIf-None-Match: \"a\"",
        206 to "Range: bytes=1-2\r\nIf-Range: TAG", 206 to "Range: bytes=1-2\r\nIf-Range: $at",
        200 to "Range: bytes=1-2\r\nIf-Range: \"a\"", 200 to "Range: bytes=1-2\r\nIf-Range: W/TAG",
        200 to "Range: bytes=1-2\r\nIf-Range: $after", 200 to "Range: bytes=1-2\r\nIf-Range: $before",
        200 to "If-Range: TAG", 416 to "Range: bytes=10-\r\nIf-Range: TAG", 200 to "Range: bytes=10-\r\nIf-Range: \"a\"",
        304 to "Range: bytes=10-\r\nIf-None-Match: TAG", 412 to "Range: bytes=10-\r\nIf-Match: \"a\"",
    )

    for (method in listOf("GET", "HEAD")) {
        test("$method: ${cases.size} of them, and the connection goes on behind each") {
            http.dial().use { client ->
                for ((status, fields) in cases) withClue(fields) {
                    client.send("$method /file.txt HTTP/1.1\r\nHost: x\r\n${fields.replace("TAG", tag)}\r\n\r\n")
                    val answer = client.getInputStream().receive(method == "HEAD")!!
                    // Ranges are of GET only.
                    answer.status shouldBe if (method == "HEAD" && status in listOf(206, 416)) 200 else status
                    if (answer.status in listOf(200, 206, 304)) answer.fields["etag"] shouldBe tag
                    if (answer.status == 200) answer.fields["content-length"] shouldBe "10"
                    if (answer.status == 304) answer.fields["content-length"] shouldBe null
                }
            }
        }
    }

    test("what is not there is not there, whatever is demanded of it") {
        http.ask("/nothing", "If-Match: *").status shouldBe 404
        http.ask("/nothing", "If-None-Match: *").status shouldBe 404
        http.ask("/file.txt", "If-Match: \"a\"", method = "DELETE").status shouldBe 405
    }

    test("a file that has changed has other validators") {
        val other = root.resolve("other.txt").apply { writeText("1") }
        val first = http.ask("/other.txt").fields["etag"]!!
        Files.setLastModifiedTime(other, FileTime.from(Instant.parse("2026-01-02T03:04:05.000000001Z")))
        val second = http.ask("/other.txt").fields["etag"]!!
        Files.setLastModifiedTime(other, FileTime.from(Instant.parse("2026-01-02T03:04:05.000000002Z")))
        http.ask("/other.txt", "If-Match: $second").status shouldBe 412
        (first == second) shouldBe false
    }
})
