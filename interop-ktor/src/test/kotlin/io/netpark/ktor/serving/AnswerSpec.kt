package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.ktor.http.ContentType
import io.ktor.http.Headers
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.ApplicationCall
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveText
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.head
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.writeFully
import io.ktor.utils.io.writeStringUtf8
import kotlinx.coroutines.runBlocking
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** The bytes of answers, and what is left of a call that is over. */
class AnswerSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    class Bytes(private val count: Int, override val contentLength: Long?) : OutgoingContent.WriteChannelContent() {
        override suspend fun writeTo(channel: ByteWriteChannel) = channel.writeFully(ByteArray(count))
    }

    class Read(private val count: Int, private val said: Long) : OutgoingContent.ReadChannelContent() {
        override val headers: Headers get() = Headers.build { append("Content-Length", "$said") }
        override fun readFrom() = ByteReadChannel(ByteArray(count))
    }

    val keptCall = AtomicReference<ApplicationCall>()
    val keptOutput = AtomicReference<ByteWriteChannel>()
    val keptInput = AtomicReference<ByteReadChannel>()
    val server = serverOf(configure = {
        maxBodySize = 1000
        bodyTimeout = 300.milliseconds
        headTimeout = 2.seconds // what has come is to be read before that
        shutdownGracePeriod = 0
    }) {
        routing {
            get("/") { call.respondText("Hello") }
            head("/") { call.respondText("Hello") }
            head("/length") {
                call.response.header("Content-Length", "1234")
                when (call.parameters["by"]) {
                    "text" -> call.respondText("")
                    "status" -> call.respond(HttpStatusCode.OK)
                    else -> call.respond(Bytes(0, 0))
                }
            }
            get("/inject") {
                val refused = runCatching { call.response.header("X-Evil", "a\r\nSet-Cookie: b=c") }.isFailure
                call.respondText("$refused")
            }
            get("/status") { call.respond(HttpStatusCode(200, "OK\r\nX-Evil: yes"), "body") }
            get("/written") { call.respond(Bytes(10, call.parameters["said"]?.toLong())) }
            get("/read") { call.respond(Read(10, call.parameters["said"]!!.toLong())) }
            get("/promised") {
                call.respond(object : OutgoingContent.NoContent() {
                    override val contentLength = 5L
                })
            }
            get("/nothing") { call.respond(HttpStatusCode.NoContent) }
            get("/unchanged") { call.respond(HttpStatusCode.NotModified) }
            get("/silent") { call.response.status(HttpStatusCode.OK) }
            get("/close") {
                call.response.header("Connection", "close")
                call.respondText("bye")
            }
            get("/fails") { error("on purpose") }
            get("/breaks") {
                call.respondBytesWriter {
                    writeStringUtf8("some")
                    flush()
                    error("on purpose")
                }
            }
            get("/keep") {
                keptCall.set(call)
                call.respondBytesWriter(ContentType.Text.Plain) {
                    keptOutput.set(this)
                    writeStringUtf8("kept")
                }
            }
            post("/keep") {
                keptInput.set(call.receiveChannel())
                call.respondText("kept")
            }
            post("/echo") { call.respondText(call.receiveText()) }
        }
    }
    beforeSpec { server.start() }
    afterSpec { server.stop(0, 1000) }

    fun ask(request: String) = server.connect().use {
        it.send(request)
        it.answer(request.substringBefore(' '))
    }

    fun all(request: String) = server.connect().use {
        it.send(request)
        runCatching { it.rest() }.getOrElse { e -> "$e" }
    }

    test("text is an answer with one length and no chunks") {
        val answer = ask(get("/"))
        answer.status shouldBe 200
        answer.all("Content-Length") shouldBe listOf("5")
        answer.all("Transfer-Encoding") shouldBe emptyList()
        answer.text shouldBe "Hello"
    }

    test("an answer to HEAD has the length of the body, and no body") {
        server.connect().use { peer ->
            peer.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/"))
            peer.answer("HEAD")["Content-Length"] shouldBe "5"
            peer.answer().text shouldBe "Hello"
        }
    }

    for (content in listOf("text", "status", "writer")) {
        test("an answer to HEAD has the length that the program says, though its own content, a $content, is empty") {
            server.connect().use { peer ->
                peer.send("HEAD /length?by=$content HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/"))
                val answer = peer.answer("HEAD")
                answer.status shouldBe 200
                answer["Content-Length"] shouldBe "1234"
                peer.answer().text shouldBe "Hello"
            }
        }
    }

    test("line breaks in a field are refused") { ask(get("/inject")).text shouldBe "true" }

    test("line breaks in the text of a status reach nobody") {
        all(get("/status", "Connection: close")) shouldNotContain "X-Evil"
    }

    test("a body of the length that was promised, by each way") {
        ask(get("/written?said=10")).body.size shouldBe 10
        ask(get("/written")).also { it.isChunked shouldBe true }.body.size shouldBe 10
        ask(get("/read?said=10")).body.size shouldBe 10
    }

    for (way in listOf("written", "read")) for (said in listOf(5, 15)) {
        test("a body that is $way with 10 bytes, and was promised to have $said, does not look whole") {
            server.connect().use { peer ->
                peer.send(get("/$way?said=$said"))
                val got = runCatching { peer.answer().body.size }
                if (got.isSuccess) got.getOrThrow() shouldBe 0 // an answer that says that it has failed
                runCatching { peer.isEnded() }.getOrDefault(true) shouldBe true
            }
        }
    }

    test("a length without a body is no answer: the client would take the next one for the body") {
        ask(get("/promised")).status shouldBe 500
    }

    test("204 has no length, and 304 says nothing of one") {
        ask(get("/nothing")).also { it.status shouldBe 204 }.length.shouldBeNull()
        ask(get("/unchanged")).also { it.status shouldBe 304 }.length.shouldBeNull()
    }

    test("a client of HTTP/1.0 gets no chunks, but an end") {
        val text = all("GET /written HTTP/1.0\r\n\r\n")
        text shouldNotContain "chunked"
        text.substringAfter("\r\n\r\n").length shouldBe 10
    }

    test("a client of HTTP/1.0 that wants to stay is told that it may") {
        server.connect().use { peer ->
            repeat(2) {
                peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                peer.answer().also { it["Connection"] shouldBe "keep-alive" }.text shouldBe "Hello"
            }
        }
    }

    test("Connection: close of either side ends the connection after the answer") {
        server.connect().use { peer ->
            peer.send(get("/", "Connection: close"))
            peer.answer().endsConnection shouldBe true
            peer.isEnded() shouldBe true
        }
        server.connect().use { peer ->
            peer.send(get("/close"))
            peer.answer().endsConnection shouldBe true
            peer.isEnded() shouldBe true
        }
    }

    test("a handler that throws is 500, once, and the connection goes on") {
        server.connect().use { peer ->
            peer.send(get("/fails") + get("/"))
            peer.answer().status shouldBe 500
            peer.answer().text shouldBe "Hello"
        }
    }

    test("a handler that throws in the middle of its answer cuts it off") {
        server.connect().use { peer ->
            peer.send(get("/breaks"))
            val head = peer.answerHead()
            head.status shouldBe 200
            runCatching { peer.chunk(); peer.chunk() }.getOrNull()?.let { check(it.isNotEmpty()) { "it looks whole" } }
        }
    }

    test("a status that was set and not sent is what the client gets") { ask(get("/silent")).status shouldBe 200 }

    test("what is too much, too slow or not understood is refused with its status, and ends the connection") {
        fun refused(request: String, status: Int) = server.connect().use { peer ->
            peer.send(request)
            peer.answer().also { it.endsConnection shouldBe true }.status shouldBe status
            peer.isEnded() shouldBe true
        }
        refused("GET /\r\n\r\n", 400)
        refused("GET / HTTP/2.0\r\n\r\n", 505)
        refused("GET /${"x".repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n", 414)
        refused("GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n", 431)
        refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413)
        refused("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400)
        refused("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow", 408)
        refused("GET / HTTP/1.1\r\nHost:", 408)
    }

    test("a call that is over writes into no other answer, and sees nothing of another request") {
        server.connect().use { peer ->
            peer.send(get("/keep"))
            peer.answer().text shouldBe "kept"
            peer.send("POST /keep HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nsecret")
            peer.answer().text shouldBe "kept"
            peer.send(get("/")) // an answer may be there before its call has returned; the next request is not read before that
            peer.answer().text shouldBe "Hello"
            runBlocking {
                runCatching { keptOutput.get().writeStringUtf8("evil"); keptOutput.get().flush() }.isFailure shouldBe true
                runCatching { keptCall.get().respondText("evil") } // which Ktor takes no notice of
                runCatching { keptInput.get().readAvailable(ByteArray(10)) }.getOrDefault(-1) shouldBe -1
            }
            keptCall.get().request.headers["Host"] shouldBe "localhost"
            peer.send(get("/", "Connection: close"))
            val rest = peer.rest()
            rest shouldContain "Hello"
            rest shouldNotContain "evil"
        }
    }
})
