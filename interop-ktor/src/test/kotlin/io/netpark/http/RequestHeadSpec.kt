package io.netpark.http

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.NetparkSpec
import kotlin.random.Random

class RequestHeadSpec : NetparkSpec(body = {
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
    afterTest { pool.statistics().lentSegments() shouldBe 0 }

    fun <T> parsed(text: String, head: RequestHead = RequestHead(), look: RequestHead.() -> T): T = LinkBuffer(pool).use {
        it.put(text.toByteArray(Charsets.ISO_8859_1))
        head.parse(it) shouldBe true
        head.look()
    }

    /** The status a text is refused with, by the parser or when its path is asked for; null for none. */
    fun refused(text: String, head: RequestHead = RequestHead()): Int? = refusal { parsed(text, head) { target.path() } }

    test("a request line and fields") {
        parsed("POST /a/b?c=d HTTP/1.1\r\nHost: x:80\r\ncontent-LENGTH:\t 12 \r\nX: \u00e9\r\n\r\n") {
            method shouldBe Method.POST
            methodText() shouldBe "POST"
            minorVersion shouldBe 1
            target.path() shouldBe "a/b"
            target.text() shouldBe "/a/b?c=d"
            target.authority() shouldBe null
            target.isPath("/a/b".encodeToByteArray()) shouldBe true
            target.isPath("/a/c".encodeToByteArray()) shouldBe false
            contentLength shouldBe 12
            hasBody shouldBe true
            isChunked shouldBe false
            asksForUpgrade shouldBe false
        }
    }

    test("a sink is told of every field in order, in any case and with obs-text, without the blanks around") {
        val fields = Fields()
        val text = "GET / HTTP/1.1\r\nHOST:x\r\nEmpty:\r\nB:\t a  b \t\r\nb: \u00e9\u00ff\r\nConnection: close\r\n\r\n"
        parsed(text, RequestHead(sink = fields)) {
            fields.lines.shouldContainExactly("HOST: x", "Empty: ", "B: a  b", "b: \u00e9\u00ff", "Connection: close")
            keepsAlive shouldBe false
        }
    }

    test("a sink that refuses a field refuses the request") {
        val head = RequestHead(sink = { _, _, _, _, _ -> throw Refusal(Status.SERVICE_UNAVAILABLE, "not today") })
        refused("GET / HTTP/1.1\r\nHost: x\r\n\r\n", head) shouldBe 503
    }

    test("other methods are there as text where they are allowed, and CONNECT never is") {
        fun method(name: String) =
            parsed("$name / HTTP/1.1\r\nHost: x\r\n\r\n", RequestHead(anyMethod = true)) { method to methodText() }
        method("PROPFIND") shouldBe Pair(null, "PROPFIND")
        method("get") shouldBe Pair(null, "get")
        method("GET") shouldBe Pair(Method.GET, "GET")
        refused("CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n", RequestHead(anyMethod = true)) shouldBe 501
        for (method in Method.entries) parsed("$method / HTTP/1.1\r\nHost: x\r\n\r\n") { methodText() } shouldBe method.name
    }

    test("a method of one request is not the next one's") {
        LinkBuffer(pool).use {
            val head = RequestHead(anyMethod = true)
            it.putString("BREW / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n\r\n")
            head.parse(it)
            head.methodText() shouldBe "BREW"
            head.parse(it)
            Pair(head.method, head.methodText()) shouldBe Pair(Method.POST, "POST")
            head.parse(it) shouldBe false
            Pair(head.method, head.methodText()) shouldBe Pair(null, "")
        }
    }

    test("targets: path and query as they came, and where a whole URI leads") {
        fun target(target: String, tls: Boolean = false) =
            parsed("GET $target HTTP/1.1\r\nHost: x\r\n\r\n", RequestHead(overTls = tls)) {
                this.target.text() to this.target.authority()
            }
        target("/a%2fb?c=%zz&?") shouldBe Pair("/a%2fb?c=%zz&?", null)
        target("//a//b") shouldBe Pair("//a//b", null)
        target("http://h:80/a?b") shouldBe Pair("/a?b", "h:80")
        target("http://[::1]") shouldBe Pair("/", "[::1]")
        target("HTTP://h?x=/y") shouldBe Pair("/?x=/y", "h")
        target("https://h/a", tls = true) shouldBe Pair("/a", "h")
        target("http://h/a", tls = true) shouldBe Pair("/a", "h")
        refused("GET https://h/a HTTP/1.1\r\nHost: x\r\n\r\n") shouldBe 400
        refused("GET https:// HTTP/1.1\r\nHost: x\r\n\r\n", RequestHead(overTls = true)) shouldBe 400
    }

    test("the asterisk is for OPTIONS") {
        parsed("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n") { target.isAsterisk to target.text() } shouldBe Pair(true, "*")
        parsed("OPTIONS /* HTTP/1.1\r\nHost: x\r\n\r\n") { target.isAsterisk to target.text() } shouldBe Pair(false, "/*")
        for (method in listOf("GET", "POST", "BREW")) {
            refused("$method * HTTP/1.1\r\nHost: x\r\n\r\n", RequestHead(anyMethod = true)) shouldBe 400
        }
    }

    test("malformed percent signs are the application's, and no path") {
        for (target in listOf("/%", "/%4", "/%g0", "/a%%20")) {
            val text = "GET $target HTTP/1.1\r\nHost: x\r\n\r\n"
            parsed(text) { this.target.text() } shouldBe target
            refused(text) shouldBe 400
        }
    }

    test("who would like another protocol") {
        fun asks(fields: String, version: String = "1.1") =
            parsed("GET / HTTP/$version\r\nHost: x\r\n$fields\r\n") { asksForUpgrade }
        asks("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n") shouldBe true
        asks("upgrade: h2c\r\nCONNECTION: upgrade\r\n") shouldBe true
        asks("Upgrade: websocket\r\n") shouldBe false
        asks("Connection: upgrade\r\n") shouldBe false
        asks("Connection: upgrades\r\nUpgrade: websocket\r\n") shouldBe false
        asks("Connection: upgrade\r\nUpgrade: websocket\r\n", "1.0") shouldBe false
    }

    test("who waits for 100 Continue: a client of HTTP/1.1 that has a body") {
        fun waits(request: String) = parsed("$request\r\n\r\n") { expectsContinue }
        waits("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1") shouldBe true
        waits("POST / HTTP/1.1\r\nExpect: 100-continue\r\nHost: x\r\nTransfer-Encoding: Chunked") shouldBe true
        waits("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0") shouldBe false
        waits("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue") shouldBe false
        waits("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1") shouldBe false
    }

    test("the length: not said, none, the longest, and beyond every limit") {
        fun length(field: String) = parsed("POST / HTTP/1.1\r\nHost: x\r\n$field\r\n") { contentLength to hasBody }
        length("") shouldBe Pair(-1L, false)
        length("Content-Length: 0\r\n") shouldBe Pair(0L, false)
        length("Content-Length: 000\r\n") shouldBe Pair(0L, false)
        length("Content-Length: 4294967296\r\n") shouldBe Pair(4294967296L, true)
        length("Content-Length: 9223372036854775799\r\n") shouldBe Pair(9223372036854775799L, true)
        for (huge in listOf("9223372036854775807", "9223372036854775808", "18446744073709551617", "9".repeat(500))) {
            refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: $huge\r\n\r\n") shouldBe 413
        }
        length("Transfer-Encoding: chunked\r\n") shouldBe Pair(-1L, true)
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
            listOf(head.contentLength, head.method, head.target.path()) shouldBe listOf(-1L, Method.GET, "2")
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
                Triple(head.target.path(), head.keepsAlive, buffer.available()) shouldBe Triple("p q", false, 0L)
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
            refused(text) shouldBe status
        }
    }

    for (limits in listOf(HeadLimits(), HeadLimits(line = 100, head = 200, fields = 7), HeadLimits(64_000, 200_000, 2000))) {
        val shown = "${limits.line} bytes of a line, ${limits.head} of a head, ${limits.fields} fields"

        test("at the limits, and one beyond: $shown") {
            fun withFields(count: Int) = "GET / HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n".repeat(count - 1) + "\r\n"
            refused(withFields(limits.fields), RequestHead(limits)) shouldBe null
            refused(withFields(limits.fields + 1), RequestHead(limits)) shouldBe 431
            fun withTarget(length: Int) = "GET /${"a".repeat(length - 1)} HTTP/1.1\r\nHost: x\r\n\r\n"
            val around = "GET  HTTP/1.1\r\n".length
            refused(withTarget(limits.line - around), RequestHead(limits)) shouldBe null
            refused(withTarget(limits.line + 1 - around), RequestHead(limits)) shouldBe 414
            fun withValue(length: Int) = "GET / HTTP/1.1\r\nHost: x\r\nA: ${"b".repeat(length)}\r\n\r\n"
            val others = "Host: x\r\nA: \r\n\r\n".length
            refused(withValue(limits.head - others), RequestHead(limits)) shouldBe null
            refused(withValue(limits.head + 1 - others), RequestHead(limits)) shouldBe 431
        }
    }

    test("limits that have no room for a request are refused") {
        shouldThrow<IllegalArgumentException> { HeadLimits(line = 15) }
        shouldThrow<IllegalArgumentException> { HeadLimits(head = 8) }
        shouldThrow<IllegalArgumentException> { HeadLimits(fields = 0) }
        refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", RequestHead(HeadLimits(16, 9, 1))) shouldBe null
    }

    test("a refusal has no stack trace and says nothing of the request") {
        val refusal = shouldThrow<Refusal> { parsed("GET / HTTP/1.1\r\nHost: secret/\r\n\r\n") {} }
        refusal.stackTrace.size shouldBe 0
        ("secret" in refusal.message!!) shouldBe false
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
        fun path(target: String) = parsed("GET $target HTTP/1.1\r\nHost: x\r\n\r\n") { this.target.path() }
        path("/") shouldBe ""
        path("/a%20b/%c3%A9.txt?x=%2f") shouldBe "a b/\u00e9.txt"
        path("/%252e%252e/x") shouldBe "%2e%2e/x"
        path("/..a/b../...") shouldBe "..a/b../..."
        path("http://h/x") shouldBe "x"
        path("HTTP://[::1]:80/x?y") shouldBe "x"
        for (none in listOf("http://h", "http://h:80", "http://h?x=/y")) path(none) shouldBe ""
    }
})
