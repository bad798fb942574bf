package io.netpark.samples.http

import io.kotest.matchers.maps.shouldNotContainKey
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import java.nio.file.Files
import kotlin.io.path.writeBytes
import kotlin.random.Random

/** Several ranges in one request: multipart/byteranges. */
class MultipartSpec : SampleSpec({
    val root = Files.createTempDirectory("multipart")
    val content = Random(9).nextBytes(1_000_000).also { root.resolve("file.txt").writeBytes(it) }
    val http by lazy { RunningHttp("--loops", "1", "--root", "$root") }
    afterSpec {
        http.close()
        root.toFile().deleteRecursively()
    }

    fun part(from: Int, to: Int) = Part("text/plain; charset=utf-8", "bytes $from-$to/1000000", content.copyOfRange(from, to + 1))

    test("each part says where it is from, and the connection goes on behind the last") {
        http.dial().use { client ->
            repeat(2) {
                client.send("GET /file.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=500000-500099, 0-9,-600000,990000-999999\r\n\r\n")
            }
            repeat(2) {
                val answer = client.getInputStream().receive()!!
                answer.status shouldBe 206
                answer.fields shouldNotContainKey "content-range"
                answer.parts() shouldBe listOf(part(400_000, 999_999), part(0, 9))
            }
        }
    }

    test("what stands in a part cannot look like its end: every answer has a boundary of its own") {
        val types = List(3) { http.ask("/file.txt", "Range: bytes=0-0,1000-1000").fields["content-type"] }
        types.toSet().size shouldBe 3
    }

    test("one is left: an answer as to one range; none is left: 416; too many, or none that is one: the whole") {
        fun answered(ranges: String) =
            http.ask("/file.txt", "Range: bytes=$ranges").run { Triple(status, fields["content-range"], body.size) }
        answered("0-99,50-149,140-") shouldBe Triple(206, "bytes 0-999999/1000000", 1_000_000)
        answered("5-5,1000000-") shouldBe Triple(206, "bytes 5-5/1000000", 1)
        answered("1000000-,2000000-2000001").run { first to second } shouldBe Pair(416, "bytes */1000000")
        answered("0-0,9-8") shouldBe Triple(200, null, 1_000_000)
        answered(List(ByteRange.MOST + 1) { "${it * 1000}-${it * 1000}" }.joinToString(",")) shouldBe Triple(200, null, 1_000_000)
        answered(List(1300) { "0-" }.joinToString(",")) shouldBe Triple(200, null, 1_000_000)
        answered(List(ByteRange.MOST) { "${it * 500}-" }.joinToString(",")).third shouldBe 1_000_000
    }

    test("the most ranges there may be") {
        val ranges = List(ByteRange.MOST) { it * 30_000 to it * 30_000 + 9_999 }
        val answer = http.ask("/file.txt", "Range: bytes=" + ranges.joinToString { (from, to) -> "$from-$to" })
        answer.parts() shouldBe ranges.map { (from, to) -> part(from, to) }
    }

    test("of another version nothing is sent in parts; HEAD does not know them") {
        val tag = http.ask("/file.txt").fields["etag"]!!
        val ranges = "Range: bytes=0-0,1000-1000"
        http.ask("/file.txt", ranges, "If-Range: $tag").status shouldBe 206
        http.ask("/file.txt", ranges, "If-Range: \"x\"").body.size shouldBe content.size
        http.ask("/file.txt", ranges, method = "HEAD").run { status to fields["content-length"] } shouldBe Pair(200, "1000000")
    }

    test("clients that vanish between parts leave nothing behind") {
        val ranges = "Range: bytes=0-299999,400000-699999,800000-"
        http.leaveInTheMidst("GET /file.txt HTTP/1.1\r\nHost: x\r\n$ranges\r\n\r\n", 750_000)
    }

    test("curl").config(enabledOrReasonIf = { needs("curl", "--version") }) {
        val body = http.curl("/file.txt", "-r", "0-9,5000-9999,-10")
        val boundary = body.decodeToString().lineSequence().first().trimEnd().removePrefix("--")
        parts(body, boundary) shouldBe listOf(part(0, 9), part(5000, 9999), part(999_990, 999_999))
    }
})

/** A part of a body, as it came. */
private data class Part(val type: String, val range: String, val text: String) {
    constructor(type: String, range: String, content: ByteArray) : this(type, range, content.toString(Charsets.ISO_8859_1))
}

private fun Received.parts(): List<Part> {
    val type = fields.getValue("content-type")
    check(type.startsWith(MULTIPART)) { type }
    return parts(body, type.removePrefix(MULTIPART))
}

/** Takes a body apart as RFC 2046, 5.1 has it. */
private fun parts(body: ByteArray, boundary: String): List<Part> {
    val pieces = ("\r\n" + body.toString(Charsets.ISO_8859_1)).split("\r\n--$boundary")
    check(pieces.first().isEmpty() && pieces.last() == "--\r\n") { "before the first: ${pieces.first()}, last: ${pieces.last()}" }
    return pieces.drop(1).dropLast(1).map { piece ->
        val (head, content) = piece.removePrefix("\r\n").split("\r\n\r\n", limit = 2)
        val fields = head.split("\r\n").associate { it.substringBefore(": ") to it.substringAfter(": ") }
        Part(fields.getValue("Content-Type"), fields.getValue("Content-Range"), content)
    }
}

private const val MULTIPART = "multipart/byteranges; boundary="
