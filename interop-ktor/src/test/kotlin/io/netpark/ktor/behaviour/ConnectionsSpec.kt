package io.netpark.ktor.behaviour

import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.ktor.http.HeadersBuilder
import io.ktor.http.content.OutgoingContent
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.readFully
import io.ktor.utils.io.writeFully
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.CoroutineContext

private val leftover = AtomicReference<Long?>()

/** Eight bytes there and back, in a protocol of its own. */
private class Up : OutgoingContent.ProtocolUpgrade() {
    override val headers = HeadersBuilder().apply {
        append("Upgrade", "up")
        append("Connection", "Upgrade")
    }.build()

    override suspend fun upgrade(
        input: ByteReadChannel,
        output: ByteWriteChannel,
        engineContext: CoroutineContext,
        userContext: CoroutineContext,
    ): Job = CoroutineScope(engineContext).launch {
        val bytes = ByteArray(8)
        input.readFully(bytes)
        output.writeFully(bytes)
        output.flushAndClose()
        leftover.set(input.readBuffer().size)
    }
}

/** From a request to the next, and to the end of a connection. */
class ConnectionsSpec : BehaviourSpec(
    application = {
        routing {
            get("/") { call.respondText("Text") }
            post("/text") { call.respondText(call.receiveText()) }
            post("/unread") { call.respondText("unread") }
            get("/up") {
                leftover.set(null)
                call.respond(Up())
            }
            get("/slow") {
                delay(300)
                call.respondText("slow")
            }
            post("/words") {
                call.respondBytesWriter {
                    val input = call.receiveChannel()
                    val buffer = ByteArray(100)
                    while (true) {
                        val count = input.readAvailable(buffer)
                        if (count < 0) break
                        writeStringUtf8(String(buffer, 0, count) + "!")
                        flush()
                    }
                }
            }
            get("/half") {
                call.respondTextWriter {
                    repeat(5) {
                        write("part $it\n")
                        flush()
                        delay(20)
                    }
                }
            }
            post("/echo") { call.respondBytesWriter { call.receiveChannel().copyTo(this) } }
        }
    },
    body = {
        behaviour("a connection is kept for a hundred requests") { site ->
            site.connect().use { peer ->
                repeat(100) {
                    peer.send(get("/"))
                    peer.answer().run {
                        text shouldBe "Text"
                        endsConnection shouldBe false
                    }
                }
            }
        }

        behaviour("Connection: close is kept to, in whatever case, alone and among others") { site ->
            for (value in listOf("close", "Close", "foo, close", "close, te")) {
                site.connect().use { peer ->
                    peer.send(get("/", "Connection: $value"))
                    peer.answer().text shouldBe "Text"
                    peer.isEnded() shouldBe true
                }
            }
        }

        promise("the last answer of a connection says that it is the last") { site ->
            site.ask(get("/", "Connection: close")).endsConnection shouldBe true
        }

        behaviour("HTTP/1.0 with keep-alive is kept, and told so") { site ->
            site.connect().use { peer ->
                repeat(3) {
                    peer.sendHead("GET / HTTP/1.0", "Connection: keep-alive")
                    val answer = peer.answer()
                    answer.text shouldBe "Text"
                    answer.all("Connection").joinToString().lowercase() shouldBe "keep-alive"
                }
            }
        }

        behaviour("Connection: close with a body that comes later: its handler runs to its end") { site -> // KTOR-9731
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Content-Length: 5", "Connection: close")
                Thread.sleep(50)
                peer.send("later")
                peer.answer().text shouldBe "later"
                peer.isEnded() shouldBe true
            }
        }

        behaviour("the client ends its output after its request, and gets its answer") { site ->
            site.connect().use { peer ->
                peer.send(get("/slow", "Connection: close"))
                peer.endOutput()
                peer.answer().text shouldBe "slow"
                peer.isEnded() shouldBe true
            }
        }

        behaviour("the client ends its output while an answer is streamed: the answer comes whole, then the connection ends") { site ->
            site.connect().use { peer ->
                peer.send(get("/half"))
                peer.answerHead()
                peer.endOutput()
                generateSequence { peer.chunk() }.sumOf { it.size } shouldBe 5 * 7
                peer.isEnded() shouldBe true
            }
        }

        behaviour("the client ends its output between requests: the connection is closed") { site ->
            site.connect().use { peer ->
                peer.send(get("/"))
                peer.answer()
                peer.endOutput()
                peer.isEnded() shouldBe true
            }
        }

        behaviour("the client ends its output in the midst of a head: the connection is closed") { site ->
            site.connect().use { peer ->
                peer.send("GET / HTTP/1.1\r\nHost: loc")
                peer.endOutput()
                val rest = peer.rest()
                check(rest.isEmpty() || rest.startsWith("HTTP/1.1 400")) { rest }
            }
        }

        behaviour("an idle connection whose client ends its output after a megabyte is closed") { site -> // KTOR-9741
            site.connect().use { peer ->
                peer.send(post("/text", "x".repeat(1 shl 20)))
                peer.answer().body.size shouldBe (1 shl 20)
                peer.endOutput()
                peer.isEnded() shouldBe true
            }
        }

        behaviour("the server says 100 and then takes the body") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Content-Length: 5", "Expect: 100-continue")
                peer.answerHead().status shouldBe 100
                peer.send("Hello")
                peer.answer().text shouldBe "Hello"
                peer.send(get("/"))
                peer.answer().text shouldBe "Text"
            }
        }

        behaviour("the 100 ends with an empty line") { site -> // KTOR-8687
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Content-Length: 5", "Expect: 100-continue")
                peer.line() shouldBe "HTTP/1.1 100 Continue"
                peer.line() shouldBe ""
                peer.send("Hello")
                peer.answer().text shouldBe "Hello"
            }
        }

        behaviour("a client that waits for no 100 gets its answer all the same") { site ->
            site.connect().use { peer ->
                val fields = arrayOf("Content-Length: 5", "Expect: 100-continue", "Connection: close")
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", *fields)
                peer.send("Hello")
                var answer = peer.answer()
                if (answer.status == 100) answer = peer.answer()
                answer.text shouldBe "Hello"
            }
        }

        promise("a handler that reads no body owes the client no 100: the answer comes, and it is the last") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /unread HTTP/1.1", "Host: localhost", "Content-Length: 5000000", "Expect: 100-continue")
                peer.answer().run {
                    status shouldBe 200
                    text shouldBe "unread"
                }
            }
        }

        behaviour("an expectation that nobody knows is refused with 417, or passed over") { site ->
            site.ask(get("/", "Expect: something", "Connection: close")).status.let { check(it == 417 || it == 200) }
        }

        behaviour("an upgrade: its fields once each, then bytes both ways, then the end") { site ->
            site.connect().use { peer ->
                peer.send(get("/up", "Connection: upgrade", "Upgrade: up"))
                val head = peer.answerHead()
                head.status shouldBe 101
                head["Connection"] shouldBe "Upgrade"
                head["Upgrade"] shouldBe "up"
                val names = head.fields.map { it.first.lowercase() }
                names shouldBe names.distinct()
                peer.send("12345678")
                peer.text(8) shouldBe "12345678"
                peer.isEnded() shouldBe true
                peer.endOutput()
            }
            eventually { leftover.get() shouldBe 0 }
        }

        behaviour("an upgrade whose first bytes come with the request") { site ->
            site.connect().use { peer ->
                peer.send(get("/up", "Connection: upgrade", "Upgrade: up") + "12345678")
                peer.answerHead().status shouldBe 101
                peer.text(8) shouldBe "12345678"
            }
        }

        behaviour("an upgrade that nobody wants is passed over") { site ->
            site.connect().use { peer ->
                peer.send(get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"))
                peer.answer().text shouldBe "Text"
            }
        }

        behaviour("an answer that is streamed reaches the client piece by piece") { site ->
            site.connect().use { peer ->
                peer.send(get("/half"))
                peer.answerHead().isChunked shouldBe true
                var text = ""
                var pieces = 0
                while (true) {
                    text += String(peer.chunk() ?: break)
                    pieces++
                }
                text.lines().size shouldBe 6
                pieces shouldBeInRange 2..5
            }
        }

        behaviour("request and answer are streamed at once, in conversation") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /words HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
                for (word in listOf("one", "two", "three")) {
                    peer.send("${word.length}\r\n$word\r\n")
                    if (word == "one") peer.answerHead().isChunked shouldBe true
                    String(peer.chunk().shouldNotBeNull()) shouldBe "$word!"
                }
                peer.send("0\r\n\r\n")
                peer.chunk() shouldBe null
                peer.send(get("/"))
                peer.answer().text shouldBe "Text"
            }
        }

        behaviour("a large body echoed while it comes does not stick") { site ->
            val size = 4 shl 20
            site.connect().use { peer ->
                val sender = kotlin.concurrent.thread { peer.send(post("/echo", "y".repeat(size))) }
                peer.answer().body.size shouldBe size
                sender.join()
            }
        }
    },
)
