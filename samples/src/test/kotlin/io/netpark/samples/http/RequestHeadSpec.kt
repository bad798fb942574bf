package io.netpark.samples.http

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.samples.SampleSpec
import kotlin.random.Random

class RequestHeadSpec : SampleSpec({
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
    afterTest { pool.statistics().lentSegments() shouldBe 0 }

    fun <T> parsed(text: String, look: RequestHead.() -> T): T = LinkBuffer(pool).use {
        it.put(text.toByteArray(Charsets.ISO_8859_1))
        val head = RequestHead()
        head.parse(it) shouldBe true
        head.look()
    }

    /** The status a text is refused with, by the parser or when its path is asked for; null for none. */
    fun refusal(text: String): Int? = try {
        parsed(text) { path() }
        null
    } catch (e: Refusal) {
        e.status.code
    }

    test("a request line and fields") {
        parsed("POST /a/b?c=d HTTP/1.1\r\nHost: x:80\r\ncontent-LENGTH:\t 12 \r\nX: \u00e9\r\nRange: bytes=1-\r\n\r\n") {
            method shouldBe Method.POST
            path() shouldBe "a/b"
            isPath("/a/b".encodeToByteArray()) shouldBe true
            isPath("/a/c".encodeToByteArray()) shouldBe false
            contentLength shouldBe 12
            hasBody shouldBe true
            isChunked shouldBe false
            range shouldBe "bytes=1-"
            ifNoneMatch shouldBe null
        }
    }

    test("what comes behind the head stays, and nothing of one request is left for the next") {
        LinkBuffer(pool).use {
            val head = RequestHead()
            it.putString("PUT /1 HTTP/1.0\r\nTransfer-Encoding: x\r\n")
            shouldThrow<Refusal> { head.parse(it) }
        }
        LinkBuffer(pool).use {
            val head = RequestHead()
            it.putString("PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\nIf-Range: y\r\n\r\nabc")
            it.putString("GET /2 HTTP/1.0\r\n\r\n")
            head.parse(it) shouldBe true
            head.keepsAlive shouldBe false
            it.takeString(3) shouldBe "abc"
            it.release()
            head.parse(it) shouldBe true
            listOf(head.contentLength, head.ifRange, head.method, head.path()) shouldBe listOf(0L, null, Method.GET, "2")
            head.parse(it) shouldBe false
            head.isBegun shouldBe false
        }
    }

    test("it makes no difference how the bytes come") {
        val random = Random(7)
        val text = "\r\nGET http://host:1/p%20q?r HTTP/1.1\r\nHost: h\r\n" +
            (1..40).joinToString("") { "X-$it: ${"v".repeat(it * 7)}\r\n" } + "Connection: a, Close\r\n\r\n"
        repeat(200) {
            LinkBuffer(pool).use { buffer ->
                val head = RequestHead()
                var rest = text.encodeToByteArray()
                while (rest.isNotEmpty()) {
                    head.parse(buffer) shouldBe false
                    val count = random.nextInt(1, 1 + minOf(rest.size, if (it % 2 == 0) 3 else 3000))
                    buffer.put(rest, 0, count)
                    rest = rest.copyOfRange(count, rest.size)
                }
                head.parse(buffer) shouldBe true
                Triple(head.path(), head.keepsAlive, buffer.available()) shouldBe Triple("p q", false, 0L)
            }
        }
    }

    test("who stays") {
        fun stays(version: String, connection: String) =
            parsed("GET / HTTP/$version\r\nHost: x\r\n$connection\r\n") { keepsAlive }
        stays("1.1", "") shouldBe true
        stays("1.9", "Connection: te, upgrade\r\n") shouldBe true
        stays("1.1", "Connection: keep-alive,close\r\n") shouldBe false
        stays("1.1", "Connection: foo\r\nConnection: CLOSE\r\n") shouldBe false
        stays("1.0", "") shouldBe false
        stays("1.0", "Connection: Keep-Alive\r\n") shouldBe true
        stays("1.0", "Connection: keep-alive, close\r\n") shouldBe false
    }

    for ((number, case) in MALFORMED.withIndex()) {
        val (text, status) = case
        val shown = text.take(60).replace("\r", "\\r").replace("\n", "\\n").replace("\u0000", "\\0")
        test("$number: $shown is refused with $status") {
            refusal(text) shouldBe status
        }
    }

    test("at the limits, and one beyond") {
        val field = "A: ${"x".repeat(100)}\r\n"
        fun withFields(count: Int) = "GET / HTTP/1.1\r\nHost: x\r\n" + field.repeat(count) + "\r\n"
        refusal(withFields(99)) shouldBe null
        refusal(withFields(100)) shouldBe 431
        fun withTarget(length: Int) = "GET /${"a".repeat(length - 1)} HTTP/1.1\r\nHost: x\r\n\r\n"
        val around = "GET  HTTP/1.1\r\n".length
        refusal(withTarget(8192 - around)) shouldBe null
        refusal(withTarget(8193 - around)) shouldBe 414
        fun withValue(length: Int) = "GET / HTTP/1.1\r\nHost: x\r\nA: ${"b".repeat(length)}\r\n\r\n"
        val others = "Host: x\r\nA: \r\n\r\n".length
        refusal(withValue(16384 - others)) shouldBe null
        refusal(withValue(16385 - others)) shouldBe 431
    }

    test("a line without an end is refused before it has come") {
        LinkBuffer(pool).use {
            val head = RequestHead()
            it.putString("GET /")
            repeat(8) { _ -> it.putString("a".repeat(1000)) }
            head.parse(it) shouldBe false
            it.putString("a".repeat(1000))
            shouldThrow<Refusal> { head.parse(it) }.status shouldBe Status.URI_TOO_LONG
        }
    }

    test("paths are decoded, once") {
        fun path(target: String) = parsed("GET $target HTTP/1.1\r\nHost: x\r\n\r\n") { path() }
        path("/") shouldBe ""
        path("/a%20b/%c3%A9.txt?x=%2f") shouldBe "a b/\u00e9.txt"
        path("/%252e%252e/x") shouldBe "%2e%2e/x"
        path("/..a/b../...") shouldBe "..a/b../..."
        path("http://h/x") shouldBe "x"
        path("HTTP://[::1]:80/x?y") shouldBe "x"
        for (none in listOf("http://h", "http://h:80", "http://h?x=/y")) path(none) shouldBe ""
    }
})

private fun get(fields: String) = "GET / HTTP/1.1\r\n$fields\r\n"

private fun target(target: String) = "GET $target HTTP/1.1\r\nHost: x\r\n\r\n"

/** What must not be understood, and what it is answered with. */
val MALFORMED: List<Pair<String, Int>> = listOf(
    // The request line
    "GET\r\n\r\n" to 400, "GET /\r\n\r\n" to 400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET  / HTTP/1.1\r\nHost: x\r\n\r\n" to 400, "GET /  HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/1.1 \r\nHost: x\r\n\r\n" to 400, "GET /\tHTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/1.1\nHost: x\n\n" to 400, "GET /\r HTTP/1.1\r\nHost: x\r\n\r\n" to 400,
    "G(T / HTTP/1.1\r\nHost: x\r\n\r\n" to 400, "\u0016\u0003\u0001\u0002\n" to 400, "\r\n\r\n\r\n" to 400,
    "GET / http/1.1\r\nHost: x\r\n\r\n" to 400, "GET / HTTP/1,1\r\nHost: x\r\n\r\n" to 400,
    "GET / HTTP/11\r\nHost: x\r\n\r\n" to 400, "GET / HTTP/2.0\r\nHost: x\r\n\r\n" to 505,
    "PRI * HTTP/2.0\r\n\r\n" to 505, "GET / HTTP/0.9\r\n\r\n" to 505,
    "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" to 501, "get / HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    "CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n" to 501,
    // Targets
    target("*") to 400, target("a") to 400, target("https://h/") to 400, target("http://a@b/") to 400,
    target("http:///x") to 400, target("http://") to 400, target("http://?x") to 400,
    target("/a#b") to 400, target("/\u00e9") to 400, target("/%") to 400, target("/%4") to 400, target("/%g0") to 400,
    target("/%00") to 400, target("/%0a") to 400, target("/%2f") to 400, target("/%5c") to 400, target("/\\") to 400,
    target("/..") to 400, target("/a/../b") to 400, target("/%2e%2E/b") to 400, target("/.") to 400, target("/a/%2e") to 400,
    target("/%ff") to 400, target("/%c0%ae") to 400,
    // Fields
    get("Host : x\r\n") to 400, get("Host: x\r\n folded\r\n") to 400, get("Host: x\r\n\tfolded\r\n") to 400,
    get(" Host: x\r\n") to 400, get("Host: x\nA: b\r\n") to 400, get("Host: x\r\nA: b\rc\r\n") to 400,
    get("Host: x\r\nA: b\u0000\r\n") to 400, get("Host: x\r\nA: \u007f\r\n") to 400, get("Host: x\r\n: b\r\n") to 400,
    get("Host: x\r\nno colon\r\n") to 400, get("Host: x\r\nA b: c\r\n") to 400, get("Host: x\r\nA\u00e9: c\r\n") to 400,
    get("") to 400, get("Host: x\r\nHost: x\r\n") to 400, get("Host: a b\r\n") to 400, get("Host: a/b\r\n") to 400,
    get("Host: x\r\nRange: bytes=0-\r\nRange: bytes=1-\r\n") to 400, get("Host: x\r\nExpect: tea\r\n") to 417,
    // Where the body ends
    get("Host: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n") to 400, get("Host: x\r\nContent-Length: 1, 1\r\n") to 400,
    get("Host: x\r\nContent-Length: -1\r\n") to 400, get("Host: x\r\nContent-Length: +1\r\n") to 400,
    get("Host: x\r\nContent-Length: 0x1\r\n") to 400, get("Host: x\r\nContent-Length: \r\n") to 400,
    get("Host: x\r\nContent-Length: 1 1\r\n") to 400,
    get("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding: gzip, chunked\r\n") to 501, get("Host: x\r\nTransfer-Encoding: identity\r\n") to 501,
    get("Host: x\r\nTransfer-Encoding: xchunked\r\n") to 501, get("Host: x\r\nTransfer-Encoding: \u000bchunked\r\n") to 400,
    get("Host: x\r\nTransfer-Encoding : chunked\r\n") to 400, get("Host: x\r\nTransfer-Encoding: chunked, identity\r\n") to 501,
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" to 400,
)
