package io.netpark.http

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.NetparkSpec

class BodyFramingSpec : NetparkSpec(body = {
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
    afterTest { pool.statistics().lentSegments() shouldBe 0 }

    /** What a body is, and what stands behind it; null if it is not over. */
    fun read(fields: String, body: String, limits: BodyLimits = BodyLimits(), trailers: FieldSink? = null): Pair<String, String>? =
        LinkBuffer(pool).use { buffer ->
            buffer.put("POST / HTTP/1.1\r\nHost: x\r\n$fields\r\n\r\n$body".toByteArray(Charsets.ISO_8859_1))
            val head = RequestHead()
            head.parse(buffer) shouldBe true
            val framing = BodyFraming(buffer, limits, trailers)
            framing.begin(head)
            val content = StringBuilder()
            while (true) {
                val count = framing.available()
                if (count == 0L) break
                content.append(buffer.takeString(count.toInt(), Charsets.ISO_8859_1))
                framing.took(count)
            }
            if (framing.isOver) content.toString() to buffer.takeString(buffer.available().toInt(), Charsets.ISO_8859_1) else null
        }

    fun chunked(body: String, limits: BodyLimits = BodyLimits(), trailers: FieldSink? = null) =
        read("Transfer-Encoding: chunked", body, limits, trailers)

    test("no body, one with a length, and one in chunks end where they should") {
        read("A: b", "GET") shouldBe Pair("", "GET")
        read("Content-Length: 0", "GET") shouldBe Pair("", "GET")
        read("Content-Length: 3", "abcGET") shouldBe Pair("abc", "GET")
        read("Content-Length: 3", "ab") shouldBe null
        chunked("0\r\n\r\nGET") shouldBe Pair("", "GET")
        chunked("3\r\nabc\r\n0000a \t; x=\"y\";z;\r\n0123456789\r\n00\r\nT: 1\r\nU: 2\r\n\r\nGET") shouldBe
            Pair("abc0123456789", "GET")
        chunked("A\r\n0\r\n\r\nGET /\r\n0\r\n\r\n") shouldBe Pair("0\r\n\r\nGET /", "")
        val whole = "3\r\nabc\r\n0\r\nT: 1\r\n\r\n"
        for (count in whole.indices) chunked(whole.take(count)) shouldBe null
    }

    for ((number, body) in MALFORMED_CHUNKS.withIndex()) {
        test("$number: ${shown(body)} is refused with 400") {
            refusal { chunked(body) } shouldBe 400
            refusal { chunked("1\r\na\r\n$body") } shouldBe 400
        }
    }

    test("sizes beyond every limit are too long, whatever they would be if they wrapped around") {
        val sizes = listOf("fffffffffffffff", "7fffffffffffffff", "8000000000000000", "ffffffffffffffff", "10000000000000003")
        for (size in sizes + ("0".repeat(15) + "3")) {
            refusal { chunked("$size\r\nabc\r\n0\r\n\r\n", BodyLimits(bytes = 1L shl 40)) } shouldBe 413
        }
        chunked("0".repeat(14) + "3\r\nabc\r\n0\r\n\r\n") shouldBe Pair("abc", "")
    }

    test("a body that was refused stays so: nothing behind the line that was refused is taken for a size") {
        LinkBuffer(pool).use { buffer ->
            val head = RequestHead()
            val framing = BodyFraming(buffer, BodyLimits(bytes = 5), null)
            for (line in listOf("0000000000000003", "6", "x", "1;\u0001")) {
                val rest = "0\r\n\r\nGET"
                buffer.putString("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n$line\r\n$rest")
                head.parse(buffer) shouldBe true
                framing.begin(head)
                val status = refusal { framing.available() }
                status.shouldNotBeNull()
                refusal { framing.available() } shouldBe status
                framing.isOver shouldBe false
                buffer.takeString(rest.length) shouldBe rest
                buffer.release()
            }
        }
    }

    test("the limit of a body, and one beyond") {
        val limits = BodyLimits(bytes = 5)
        read("Content-Length: 5", "abcde", limits) shouldBe Pair("abcde", "")
        refusal { read("Content-Length: 6", "", limits) } shouldBe 413
        chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", limits) shouldBe Pair("abcde", "")
        refusal { chunked("2\r\nab\r\n4\r\n", limits) } shouldBe 413
        refusal { chunked("6\r\n", limits) } shouldBe 413
        read("A: b", "", BodyLimits(bytes = 0)) shouldBe Pair("", "")
        chunked("0\r\n\r\n", BodyLimits(bytes = 0)) shouldBe Pair("", "")
        refusal { chunked("1\r\n", BodyLimits(bytes = 0)) } shouldBe 413
    }

    test("extensions: each within a line's limit, and all within theirs") {
        val line = "1;${"x".repeat(1020)}\r\n"
        chunked("${line}a\r\n0\r\n\r\n") shouldBe Pair("a", "")
        refusal { chunked("1;x${line.drop(2)}a\r\n0\r\n\r\n") } shouldBe 400
        val extension = "x".repeat(1023 - 2)
        val most = 16 * 1024 / (extension.length + 1)
        fun many(count: Int) = "1;${extension.dropLast(1)}\r\na\r\n".repeat(count) + "0\r\n\r\n"
        chunked(many(most)) shouldBe Pair("a".repeat(most), "")
        refusal { chunked(many(most + 1)) } shouldBe 413
    }

    test("a quoted string has no CRLF in it, unless that is allowed") {
        val body = "5;a=\"x\r\ny\\\"\r\n\\\\\";b\r\nhello\r\n0;\"\r\n\"\r\n\r\nGET"
        refusal { chunked(body) } shouldBe 400
        val limits = BodyLimits(quotedLineEnds = true)
        chunked(body, limits) shouldBe Pair("hello", "GET")
        chunked("3;a=\"b\"\r\nabc\r\n0\r\n\r\n", limits) shouldBe Pair("abc", "")
        chunked("3;a=\"b\r\nabc\r\n0\r\n\r\n", limits) shouldBe null
        refusal { chunked("3;a=\"b\nc\"\r\nabc\r\n0\r\n\r\n", limits) } shouldBe 400
        refusal { chunked("3;a=\"b\rc\"\r\nabc\r\n0\r\n\r\n", limits) } shouldBe 400
        refusal { chunked("3;\"${"${"x".repeat(1000)}\r\n".repeat(17)}", limits) } shouldBe 413
    }

    test("a body is doubtful from its quoted line end on, and the next is not") {
        LinkBuffer(pool).use { buffer ->
            val head = RequestHead()
            val framing = BodyFraming(buffer, BodyLimits(quotedLineEnds = true), null)
            fun begins(body: String) {
                buffer.putString("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n$body")
                head.parse(buffer) shouldBe true
                framing.begin(head)
            }
            fun take() = framing.available().also {
                buffer.skip(it)
                framing.took(it)
            }
            begins("1;a=\"b\"\r\na\r\n2;\"\r\n\"\r\nbc\r\n0\r\n\r\n")
            take() shouldBe 1
            framing.isDoubtful shouldBe false
            take() shouldBe 2
            framing.isDoubtful shouldBe true
            take() shouldBe 0
            framing.isOver shouldBe true
            framing.isDoubtful shouldBe true
            begins("1;a=\"b\"\r\na\r\n0\r\n\r\n")
            framing.isDoubtful shouldBe false
            take() shouldBe 1
            framing.isDoubtful shouldBe false
            take()
            framing.isOver shouldBe true
            begins("0;\"\r\n\"\r\n\r\n")
            take() shouldBe 0
            framing.isOver shouldBe true
            framing.isDoubtful shouldBe true
        }
    }

    test("trailers are told to a sink, without those that would change the request") {
        val fields = Fields()
        val trailers = "Digest: abc\r\nContent-Length: 5\r\nTRANSFER-ENCODING: chunked\r\nHost: y\r\n" +
            "Authorization: me\r\nX:\t\u00e9 \r\n"
        chunked("1\r\na\r\n0\r\n$trailers\r\nGET", trailers = fields) shouldBe Pair("a", "GET")
        fields.lines.shouldContainExactly("Digest: abc", "X: \u00e9")
        chunked("0\r\n\r\n", trailers = fields) shouldBe Pair("", "")
        fields.lines.shouldBeEmpty()
    }

    test("the limits of trailers, and one beyond") {
        val limits = BodyLimits(trailers = HeadLimits(head = 50, fields = 3))
        chunked("0\r\n" + "A: b\r\n".repeat(3) + "\r\n", limits) shouldBe Pair("", "")
        refusal { chunked("0\r\n" + "A: b\r\n".repeat(4), limits) } shouldBe 400
        chunked("0\r\nA: ${"x".repeat(50 - 7)}\r\n\r\n", limits) shouldBe Pair("", "")
        refusal { chunked("0\r\nA: ${"x".repeat(50 - 6)}\r\n\r\n", limits) } shouldBe 400
        refusal { chunked("0\r\nA: ${"x".repeat(50)}", limits) } shouldBe 400
    }

    test("nobody can take more than there is of a body") {
        LinkBuffer(pool).use { buffer ->
            buffer.putString("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef")
            val head = RequestHead()
            head.parse(buffer)
            val framing = BodyFraming(buffer, BodyLimits(), null)
            framing.begin(head)
            framing.available() shouldBe 3
            shouldThrow<IllegalArgumentException> { framing.took(4) }
            shouldThrow<IllegalArgumentException> { framing.took(-1) }
            framing.took(3)
            framing.isOver shouldBe true
            shouldThrow<IllegalArgumentException> { framing.took(1) }
        }
    }
})

private fun shown(text: String) = text.take(60).replace("\r", "\\r").replace("\n", "\\n").replace("\u0000", "\\0")

private val MALFORMED_CHUNKS = listOf(
    // Sizes
    "\r\nabc\r\n0\r\n\r\n", ";a=b\r\n", "g\r\n", "-1\r\n", "+5\r\nabcde\r\n", "0x3\r\nabc\r\n", "0X3\r\nabc\r\n", " 3\r\nabc\r\n",
    "\t3\r\nabc\r\n", "3 \r\nabc\r\n", "3\t\r\nabc\r\n", "3 3\r\nabc\r\n", "3.0\r\nabc\r\n", "3,\r\nabc\r\n", "3h\r\nabc\r\n",
    "\u00b3\r\nabc\r\n",
    "3\u0000\r\nabc\r\n",
    "${"x".repeat(2000)}\r\n", "3;${"x".repeat(2000)}\r\n", "3;${"x".repeat(2000)}", " ".repeat(2000),
    // Ends of lines
    "3\nabc\r\n", "3\rabc\r\n", "3\r\r\nabc\r\n", "3\n\r\nabc\r\n", "3;a\nabc\r\n", "3;a\rb\r\nabc\r\n", "3;a=\"\r\"\r\nabc\r\n",
    "3;\u0000\r\nabc\r\n", "3;\u007f\r\nabc\r\n",
    // Behind a chunk
    "3\r\nabcd\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r0\r\n\r\n", "3\r\nabcX\n0\r\n\r\n",
    "3\r\nabc \r\n0\r\n\r\n",
    "3\r\nabc\r\r\n0\r\n\r\n", "3\r\nabc\r\n\r\n0\r\n\r\n",
    // Trailers
    "0\r\nT : 1\r\n\r\n", "0\r\n folded\r\n\r\n", "0\r\nT: 1\r\n 2\r\n\r\n", "0\r\nT\r\n\r\n", "0\r\n: 1\r\n\r\n",
    "0\r\nT: 1\n\r\n",
    "0\r\nT: \u0000\r\n\r\n",
    "0\r\nT: 1\r2\r\n\r\n", "0\r\n\n", "0\r\nA b: 1\r\n\r\n", "0\n\r\n", "0\r\nGET / HTTP/1.1\r\n\r\n",
)
