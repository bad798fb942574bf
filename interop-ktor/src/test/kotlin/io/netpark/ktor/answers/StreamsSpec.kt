package io.netpark.ktor.answers

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.ktor.http.ContentType
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.engine.embeddedServer
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveStream
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondFile
import io.ktor.server.response.respondOutputStream
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.server.sse.SSE
import io.ktor.server.sse.sse
import io.ktor.sse.ServerSentEvent
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.discard
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.testing.NetparkSpec
import io.netpark.ktor.Netpark
import io.netpark.ktor.channels.pattern
import java.io.BufferedInputStream
import java.io.Closeable
import java.io.EOFException
import java.io.IOException
import java.net.Socket
import java.nio.file.Files
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** Outside of any test's scope: a server that is a child of its test cannot stop while the test blocks their thread. */
private fun serverOf(module: suspend Application.() -> Unit) =
    embeddedServer(Netpark, port = 0, host = "127.0.0.1", module = module)

/** Bodies in both directions through the whole of Ktor. */
class StreamsSpec : NetparkSpec(body = {
    val bytes = pattern(400_000)
    val turns = LinkedBlockingQueue<Channel<Unit>>()

    fun served(name: String, body: (Http) -> Unit) = test(name) {
        val file = Files.createTempFile("streams", ".bin").also { Files.write(it, bytes) }
        turns.clear()
        turns += Channel<Unit>(Channel.UNLIMITED)
        val server = serverOf {
            install(SSE)
            routing {
                sse("/events") {
                    var number = 0
                    for (ignored in turns.peek()) send(ServerSentEvent("event ${number++}"))
                }
                get("/ticks") {
                    call.respondBytesWriter(ContentType.Text.EventStream) {
                        var number = 0
                        for (ignored in turns.peek()) {
                            writeStringUtf8("tick ${number++}\n")
                            flush()
                        }
                    }
                }
                get("/stream") { call.respondOutputStream { repeat(4) { write(bytes, 0, 100_000) } } }
                get("/writer") { call.respondTextWriter { repeat(1000) { write("line $it\n") } } }
                get("/long") { call.respondOutputStream(contentLength = 10) { write(bytes, 0, 11) } }
                get("/short") { call.respondOutputStream(contentLength = 10) { write(bytes, 0, 9) } }
                get("/failing") {
                    call.respondBytesWriter {
                        writeStringUtf8("so far")
                        flush()
                        throw IllegalArgumentException("the handler fails")
                    }
                }
                get("/file") { call.respondFile(file.toFile()) }
                post("/stream") {
                    val size = withContext(Dispatchers.IO) { call.receiveStream().readBytes().size }
                    call.respondText("$size bytes")
                }
                post("/count") { call.respondText("${call.receiveChannel().discard()} bytes") }
                post("/echo") { call.respondBytesWriter { call.receiveChannel().copyTo(this) } }
            }
        }.start(wait = false)
        try {
            Http(runBlocking { server.engine.resolvedConnectors().single().port }).use(body)
        } finally {
            turns.peek().close()
            server.stop(0, 1000)
            Files.delete(file)
        }
    }

    served("each event of Ktor's own plugin goes out at once") { http ->
        http.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        http.head() shouldContain "text/event-stream"
        repeat(5) {
            turns.peek().trySend(Unit)
            http.chunk().decodeToString() shouldBe "data: event $it\r\n\r\n"
        }
    }

    served("each flush of a program goes out at once") { http ->
        http.send("GET /ticks HTTP/1.1\r\nHost: h\r\n\r\n")
        http.head() shouldContain "text/event-stream"
        repeat(5) {
            turns.peek().trySend(Unit)
            http.chunk().decodeToString() shouldBe "tick $it\n"
        }
    }

    served("blocking code writes answers, one after another") { http ->
        repeat(3) {
            http.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
            http.head() shouldContain "200 OK"
            val expected = List(4) { bytes.copyOf(100_000) }.reduce(ByteArray::plus)
            http.chunks().contentEquals(expected) shouldBe true
            http.send("GET /writer HTTP/1.1\r\nHost: h\r\n\r\n")
            http.head() shouldContain "200 OK"
            http.chunks().decodeToString() shouldBe List(1000) { "line $it\n" }.joinToString("")
        }
    }

    for (path in listOf("/long", "/short")) {
        served("an answer that breaks its promise looks complete to nobody: $path") { http ->
            http.send("GET $path HTTP/1.1\r\nHost: h\r\n\r\n")
            shouldThrow<IOException> {
                http.head()
                http.exactly(10)
            }
        }
    }

    served("a handler that fails in the middle of its answer ends the connection") { http ->
        http.send("GET /failing HTTP/1.1\r\nHost: h\r\n\r\n")
        http.head() shouldContain "200 OK"
        http.chunk().decodeToString() shouldBe "so far"
        shouldThrow<IOException> { http.chunk() }
    }

    served("a file is sent, and the next request answered") { http ->
        repeat(3) {
            http.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
            val head = http.head()
            head shouldContain "Content-Length: 400000"
            head shouldNotContain "chunked"
            http.exactly(400_000).contentEquals(bytes) shouldBe true
        }
    }

    served("blocking code reads requests") { http ->
        repeat(3) {
            http.post("/stream", bytes)
            http.text() shouldBe "400000 bytes"
        }
    }

    served("a request is read by a handler and answered meanwhile") { http ->
        http.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        http.send("5\r\nfirst\r\n")
        http.head() shouldContain "200 OK"
        http.chunk().decodeToString() shouldBe "first"
        http.send("6\r\nsecond\r\n0\r\n\r\n")
        http.chunk().decodeToString() shouldBe "second"
        http.chunk().size shouldBe 0
        http.post("/count", bytes)
        http.text() shouldBe "400000 bytes"
    }
})

/** A client that sees each byte of the answers. */
private class Http(port: Int) : Closeable {
    private val socket = Socket("127.0.0.1", port).apply { soTimeout = TimeUnit.SECONDS.toMillis(20).toInt() }
    private val input = BufferedInputStream(socket.getInputStream())

    fun send(text: String) = socket.getOutputStream().write(text.toByteArray())

    fun post(path: String, body: ByteArray) {
        send("POST $path HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.size}\r\n\r\n")
        socket.getOutputStream().write(body)
    }

    fun line(): String = buildString {
        while (true) {
            val byte = input.read()
            if (byte < 0) throw EOFException("the connection has ended")
            append(byte.toChar())
            if (endsWith("\r\n")) return substring(0, length - 2)
        }
    }

    fun head(): String = generateSequence { line().ifEmpty { null } }.joinToString("\n")

    fun exactly(count: Int): ByteArray =
        input.readNBytes(count).also { if (it.size < count) throw EOFException("${it.size} of $count bytes") }

    fun chunk(): ByteArray = exactly(line().toInt(16)).also { check(line().isEmpty()) }

    fun chunks(): ByteArray = generateSequence { chunk().takeIf { it.isNotEmpty() } }.fold(ByteArray(0), ByteArray::plus)

    fun text(): String {
        val head = head()
        return exactly(head.lines().first { it.startsWith("Content-Length: ") }.substringAfter(": ").toInt()).decodeToString()
    }

    override fun close() = socket.close()
}
