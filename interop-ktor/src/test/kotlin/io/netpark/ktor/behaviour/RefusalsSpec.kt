package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.http.content.OutgoingContent
import io.ktor.server.request.receiveParameters
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.CoroutineContext

private val handled = AtomicInteger()

/** What must not be seen behind a request that is refused. */
private val follower = get("/", "X-Smuggled: yes")

/** What is not a request of HTTP/1.1, or might be two: it reaches no handler, and the connection ends. */
class RefusalsSpec : BehaviourSpec(
    application = {
        routing {
            get("/") { call.respondText("Text") }
            post("/") {
                handled.incrementAndGet()
                call.respondText(call.receiveText())
            }
            post("/unread") {
                handled.incrementAndGet()
                call.respondText("unread")
            }
            post("/up") {
                call.respond(object : OutgoingContent.ProtocolUpgrade() {
                    override suspend fun upgrade(
                        input: ByteReadChannel,
                        output: ByteWriteChannel,
                        engineContext: CoroutineContext,
                        userContext: CoroutineContext,
                    ): Job = CoroutineScope(engineContext).launch {
                        handled.incrementAndGet()
                        output.flushAndClose()
                    }
                })
            }
            post("/form") {
                handled.incrementAndGet()
                call.respondText("${call.receiveParameters()["a"]}")
            }
        }
    },
    body = {
        /** One of the statuses, and the end; a second request behind it is not seen. */
        fun Site.refuses(request: String, vararg statuses: Int) = connect().use { peer ->
            handled.set(0)
            peer.send(request + follower)
            val answer = peer.answer()
            check(answer.status in statuses) { "${request.trim()}: $answer" }
            answer.endsConnection shouldBe true
            peer.isEnded() shouldBe true
            handled.get() shouldBe 0
        }

        promise("two lengths, different or equal, in one field or two") { site ->
            for (lengths in listOf("5\r\nContent-Length: 6", "5\r\nContent-Length: 5", "5, 5", "5, 6")) {
                site.refuses(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: $lengths") + "Hello", 400)
            }
        }

        promise("a length and chunks") { site ->
            val fields = arrayOf("Content-Length: 5", "Transfer-Encoding: chunked")
            site.refuses(head("POST / HTTP/1.1", "Host: localhost", *fields) + "0\r\n\r\n", 400)
            site.refuses(head("POST / HTTP/1.1", "Host: localhost", *fields.reversedArray()) + "0\r\n\r\n", 400)
        }

        promise("a length that is no number") { site ->
            for (length in listOf("+5", "-5", "0x5", "5.0", "5 5", "five", "", "99999999999999999999x", "\u00b25")) {
                site.refuses(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: $length") + "Hello", 400)
            }
            // A number it is, and one beyond every limit.
            site.refuses(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 99999999999999999999") + "Hello", 413)
        }

        promise("codings that do not end with chunks, or are no codings") { site ->
            val codings = listOf(
                "chunked, smuggle", "gzip", "identity", "xchunked", "chunked, chunked", "chunked, identity", ",", "\"chunked\"",
            )
            for (coding in codings) {
                site.refuses(head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: $coding") + "0\r\n\r\n", 400, 501)
            }
        }

        promise("a vertical tab before chunked") { site ->
            val request = head(
                "POST /form HTTP/1.1", "Host:localhost", "Content-Type: application/x-www-form-urlencoded",
                "Content-Length: 1", "Transfer-Encoding:\u000bchunked",
            )
            site.refuses(request + "3\r\na=1\r\n0\r\n\r\n", 400)
        }

        promise("chunks in HTTP/1.0") { site ->
            site.refuses(head("POST / HTTP/1.0", "Transfer-Encoding: chunked", "Connection: keep-alive") + "0\r\n\r\n", 400)
        }

        promise("a line that is folded, a name with a blank, a line without a colon, a name that is empty") { site ->
            for (line in listOf("X: a\r\n b", "X : a", " X: a", "X", ": a", "X Y: a", "X\t: a", "X(: a")) {
                site.refuses(head("GET / HTTP/1.1", "Host: localhost", line), 400)
            }
        }

        promise("bare CR, bare LF and NUL in a head") { site ->
            for (request in listOf(
                "GET / HTTP/1.1\nHost: localhost\n\n",
                "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u0000b\r\n\r\n",
                "GET /\r HTTP/1.1\r\nHost: localhost\r\n\r\n",
            )) {
                site.refuses(request, 400)
            }
        }

        promise("no Host, two of them, and one that is none") { site ->
            for (fields in listOf(
                arrayOf("X: a"), arrayOf("Host: a", "Host: b"), arrayOf("Host: a", "Host: a"), arrayOf("Host: a b"),
                arrayOf("Host: a/b"), arrayOf("Host: user@a"),
            )) {
                site.refuses(head("GET / HTTP/1.1", *fields), 400)
            }
        }

        promise("request lines that are none") { site ->
            val lines = listOf(
                "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET / http/1.1", "GET / HTTP/1.1x", "G ET / HTTP/1.1", "/ HTTP/1.1",
            )
            for (line in lines) {
                site.refuses(head(line, "Host: localhost"), 400, 505)
            }
        }

        promise("versions that are not spoken") { site ->
            for (version in listOf("HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/1.10", "HTTP/11")) {
                site.refuses(head("GET / $version", "Host: localhost"), 400, 505)
            }
        }

        promise("targets that are none") { site ->
            for (target in listOf("*", "index.html", "http://", "/a b", "/#fragment", "//\u0001")) {
                site.refuses(head("GET $target HTTP/1.1", "Host: localhost"), 400)
            }
        }

        promise("CONNECT") { site -> site.refuses(head("CONNECT localhost:80 HTTP/1.1", "Host: localhost:80"), 400, 405, 501) }

        promise("sizes of chunks that are none, and chunks that do not end where they say") { site ->
            for (chunks in listOf(
                "\r\nHello\r\n0\r\n\r\n", "0x5\r\nHello\r\n0\r\n\r\n", "+5\r\nHello\r\n0\r\n\r\n", " 5\r\nHello\r\n0\r\n\r\n",
                "-1\r\nHello\r\n0\r\n\r\n", "5\nHello\r\n0\r\n\r\n", "5\r\nHello0\r\n\r\n", "5\r\nHello\n0\r\n\r\n",
                "fffffffffffffffff\r\nHello\r\n0\r\n\r\n", "g\r\nHello\r\n0\r\n\r\n", "5\rHello\r\n0\r\n\r\n", // KTOR-8015
            )) {
                site.connect().use { peer ->
                    peer.send(head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") + chunks)
                    // Its handler may have begun: then it gets no body, and its answer is no good one.
                    val answer = peer.answerOrCut()
                    check(answer == null || answer.status in 400..499) { "$chunks: $answer" }
                    peer.isEnded() shouldBe true
                }
            }
        }

        promise("a request line, a head and a number of fields beyond their limits") { site ->
            site.refuses(head("GET /${"x".repeat(70_000)} HTTP/1.1", "Host: localhost"), 414)
            site.refuses(head("GET / HTTP/1.1", "Host: localhost", "X: ${"y".repeat(70_000)}"), 431)
            site.refuses(head("GET / HTTP/1.1", "Host: localhost", *Array(3000) { "X: y" }), 431)
        }

        promise("bytes of another protocol") { site ->
            val greetings = listOf(
                "\u0016\u0003\u0001\u0000\u0005hello\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            )
            for (bytes in greetings) {
                site.connect().use { peer ->
                    peer.send(bytes)
                    val rest = peer.rest()
                    check(rest.isEmpty() || rest.startsWith("HTTP/1.1 4") || rest.startsWith("HTTP/1.1 505")) { rest }
                }
            }
        }

        behaviour("a long head is answered or refused, but never left alone") { site ->
            site.connect().use { peer ->
                peer.send(head("GET / HTTP/1.1", "Host: localhost", "X-Long: ${"Abc".repeat(10_000)}", "Connection: close"))
                peer.answer().status.let { check(it in setOf(200, 400, 431)) { it } }
            }
        }

        behaviour("a refused client does no harm to the next") { site ->
            site.connect().use { peer ->
                peer.send("nonsense\r\n\r\n")
                peer.rest()
            }
            site.ask(get("/")).text shouldBe "Text"
        }

        /** Asks with a quoted line end, as the last request of its connection: nothing behind it is taken for one. */
        fun Site.answersLast(path: String, text: String, saysSo: Boolean) = connect().use { peer ->
            handled.set(0)
            val body = "5;ext=\"pwned\r\nlol\"\r\nhello\r\n0\r\n\r\n"
            val smuggled = head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 1") + "x"
            peer.send(head("POST $path HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") + body + smuggled)
            val answer = peer.answer()
            answer.status shouldBe 200
            answer.text shouldBe text
            answer.endsConnection shouldBe saysSo
            peer.isEnded() shouldBe true
            handled.get() shouldBe 1
        }

        promise("a quoted line end in a chunk extension is taken, and the connection ends with its request") { site ->
            site.answersLast("/", "hello", saysSo = true)
        }

        promise("an upgrade behind a body that nobody can be sure of is refused: its bytes might be another request's") { site ->
            fun Peer.sendUpgrade(body: String, field: String) = send(
                head("POST /up HTTP/1.1", "Host: localhost", "Connection: upgrade", "Upgrade: up", field) + body + "secret",
            )
            for ((body, field) in listOf(
                "5;ext=\"pwned\r\nlol\"\r\nhello\r\n0\r\n\r\n" to "Transfer-Encoding: chunked",
                "5\r\nhello!" to "Transfer-Encoding: chunked",
                "" to "Content-Length: 1000000000",
            )) {
                site.connect().use { peer ->
                    handled.set(0)
                    peer.sendUpgrade(body, field)
                    peer.answer().status shouldBe 400
                    peer.isEnded() shouldBe true
                    handled.get() shouldBe 0
                }
            }
            site.connect().use { peer ->
                peer.sendUpgrade("hello", "Content-Length: 5")
                peer.answerHead().status shouldBe 101
                peer.isEnded() shouldBe true
                handled.get() shouldBe 1
            }
        }

        promise("a quoted line end that is read behind the answer's head ends the connection as well") { site ->
            site.answersLast("/unread", "unread", saysSo = false)
        }
    },
)
