package io.netpark.samples.chat

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.SampleSpec
import io.netpark.samples.websocket.BINARY
import io.netpark.samples.websocket.CLOSE
import io.netpark.samples.websocket.CONTINUATION
import io.netpark.samples.websocket.PING
import io.netpark.samples.websocket.PONG
import io.netpark.samples.websocket.TEXT
import io.netpark.samples.websocket.VIOLATIONS
import io.netpark.samples.websocket.clientFrame
import io.netpark.samples.websocket.closePayload
import io.netpark.samples.whileDoing
import org.java_websocket.client.WebSocketClient
import org.java_websocket.enums.Opcode
import org.java_websocket.framing.Framedata
import org.java_websocket.handshake.ServerHandshake
import java.net.InetAddress
import java.net.Socket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.WebSocket
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.random.Random

/** The protocol, as servers of all kinds speak it here; what the chat does with it is in [ChatSpec]. */
class WebSocketSpec : SampleSpec({
    val chat by lazy { RunningChat("--loops", "1", *TALKATIVE) }
    afterSpec { chat.close() }

    for (endpoint in listOf("the chat", "the echo with coroutines", "the echo with callbacks")) {
        context(endpoint) {
            fun dial() = chat.endpoints().getValue(endpoint).let { (port, path) -> RawWebSocket(port, path) }

            test("every violation gets a close frame with its code, and the end") {
                for ((name, violation) in VIOLATIONS) {
                    val (code, bytes) = violation
                    dial().use { client ->
                        client.send(bytes + ByteArray(5_000)) // what follows must not turn the goodbye into a reset
                        val close = client.awaitClose()
                        Pair(name, close.closeCode) shouldBe Pair(name, code)
                        client.frame() shouldBe null
                    }
                }
            }

            test("pings are answered with their own bytes, also within a fragmented message, byte by byte") {
                dial().use { client ->
                    client.send(clientFrame(TEXT, "{", fin = false))
                    for (byte in clientFrame(PING, "are you there?")) client.send(byteArrayOf(byte))
                    client.frame()!!.run { Pair(opcode, text) shouldBe Pair(PONG, "are you there?") }
                    client.send(clientFrame(PONG, "unasked") + clientFrame(PING, ByteArray(125)))
                    client.frame()!!.run { Pair(opcode, payload.size) shouldBe Pair(PONG, 125) }
                }
            }

            test("a close frame is answered with its code, then the connection ends") {
                for (code in listOf(1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999)) {
                    dial().use { client ->
                        client.send(clientFrame(CLOSE, closePayload(code, "bye".encodeToByteArray())))
                        client.awaitClose().closeCode shouldBe code
                        client.frame() shouldBe null
                    }
                }
                dial().use { client ->
                    client.send(clientFrame(CLOSE))
                    client.awaitClose().closeCode shouldBe null
                    client.frame() shouldBe null
                }
            }

            test("what is no WebSocket is told so") {
                val (port, path) = chat.endpoints().getValue(endpoint)
                fun answer(request: String): String = Socket(InetAddress.getLoopbackAddress(), port).use {
                    it.soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
                    it.getOutputStream().write(request.encodeToByteArray())
                    it.getInputStream().readAllBytes().decodeToString()
                }
                answer("GET $path HTTP/1.1\r\nHost: a\r\n\r\n") shouldStartWith "HTTP/1.1 426 "
                answer("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n") shouldStartWith "HTTP/1.1 404 "
                answer("nonsense\r\n\r\n") shouldStartWith "HTTP/1.1 400 "
                answer("GET $path HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9000)}\r\n\r\n") shouldStartWith "HTTP/1.1 431 "
                val upgrade = "GET $path HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                answer("${upgrade}Sec-WebSocket-Version: 8\r\n\r\n") shouldContain "\r\nSec-WebSocket-Version: 13\r\n"
                answer("${upgrade}Sec-WebSocket-Version: 13\r\nOrigin: http://b\r\n\r\n") shouldStartWith "HTTP/1.1 403 "
            }
        }
    }

    for (endpoint in listOf("the echo with coroutines", "the echo with callbacks")) {
        context("messages to $endpoint") {
            fun uri() = chat.endpoints().getValue(endpoint).let { (port, path) -> URI("ws://127.0.0.1:$port$path") }
            fun dial() = chat.endpoints().getValue(endpoint).let { (port, path) -> RawWebSocket(port, path) }

            test("messages of all sizes come back, with the JDK's client: text, binary, in fragments, ping, close") {
                val listener = Recording()
                val client = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(uri(), listener).get()
                for (size in listOf(0, 1, 125, 126, 4096, 65_535, 65_536)) {
                    val bytes = Random(size).nextBytes(size)
                    client.sendBinary(ByteBuffer.wrap(bytes), true).get()
                    listener.next() shouldBe "binary ${bytes.toList().hashCode()} of $size"
                    client.sendText("€".repeat(size / 3), true).get()
                    listener.next() shouldBe "text ${"€".repeat(size / 3)}"
                }
                client.sendText("in ", false).get()
                client.sendPing(ByteBuffer.wrap("now".encodeToByteArray())).get()
                listener.next() shouldBe "pong now"
                client.sendText("three ", false).get()
                client.sendText("parts", true).get()
                listener.next() shouldBe "text in three parts"
                client.sendClose(4242, "enough").get()
                listener.next() shouldBe "close 4242"
                client.isOutputClosed shouldBe true
            }

            test("with Java-WebSocket") {
                val events = LinkedBlockingQueue<String>()
                val client = object : WebSocketClient(uri()) {
                    override fun onOpen(handshake: ServerHandshake) { events += "open ${handshake.httpStatus}" }
                    override fun onMessage(message: String) { events += "text $message" }
                    override fun onMessage(bytes: ByteBuffer) { events += "binary ${bytes.remaining()}" }
                    override fun onWebsocketPong(conn: org.java_websocket.WebSocket, f: Framedata) { events += "pong" }
                    override fun onClose(code: Int, reason: String, remote: Boolean) { events += "close $code" }
                    override fun onError(error: Exception) { events += "error $error" }
                }
                fun next() = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)
                client.connect()
                next() shouldBe "open 101"
                client.send("grüße")
                next() shouldBe "text grüße"
                client.send(ByteArray(50_000))
                next() shouldBe "binary 50000"
                client.sendFragmentedFrame(Opcode.TEXT, ByteBuffer.wrap("one ".encodeToByteArray()), false)
                client.sendPing()
                next() shouldBe "pong"
                client.sendFragmentedFrame(Opcode.TEXT, ByteBuffer.wrap("two".encodeToByteArray()), true)
                next() shouldBe "text one two"
                client.close(3333, "enough")
                next() shouldBe "close 3333"
            }

            test("a client that pipelines much and reads late gets everything") {
                val payload = Random(7).nextBytes(10_000)
                dial().use { client ->
                    whileDoing({ repeat(2_000) { client.send(clientFrame(BINARY, payload)) } }) {
                        repeat(2_000) {
                            val frame = client.frame()!!
                            if (it < 3) Thread.sleep(200)
                            Pair(frame.opcode, frame.payload.contentEquals(payload)) shouldBe Pair(BINARY, true)
                        }
                    }
                    client.send(clientFrame(TEXT, "a", fin = false) + clientFrame(CONTINUATION, "b"))
                    client.frame()!!.text shouldBe "ab"
                }
            }
        }
    }

    test("descriptors return, whatever clients do") {
        for ((port, path) in chat.endpoints().values) {
            RawWebSocket(port, path).use { client ->
                client.send(clientFrame(CLOSE))
                client.awaitClose()
            }
        }
        val before = awaitSteady { chat.openSockets() }
        for ((port, path) in chat.endpoints().values) {
            repeat(10) { round ->
                RawWebSocket(port, path).use { client ->
                    when (round % 4) {
                        0 -> client.socket.setSoLinger(true, 0) // a reset
                        1 -> client.send(clientFrame(TEXT, "{}").copyOf(4))
                        2 -> client.send(byteArrayOf(-1))
                        else -> client.socket.shutdownOutput()
                    }
                }
            }
        }
        eventually("the sockets of before") { chat.openSockets() <= before }
    }

    test("nothing was reported") {
        chat.program.errorLines().shouldBeEmpty()
    }
})

/** What the JDK's client is told. */
private class Recording : WebSocket.Listener {
    private val events = LinkedBlockingQueue<String>()
    private val text = StringBuilder()
    private val binary = mutableListOf<Byte>()

    fun next(): String? = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)

    override fun onText(webSocket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
        text.append(data)
        if (last) events += "text $text".also { text.clear() }
        webSocket.request(1)
        return null
    }

    override fun onBinary(webSocket: WebSocket, data: ByteBuffer, last: Boolean): CompletionStage<*>? {
        while (data.hasRemaining()) binary += data.get()
        if (last) events += "binary ${binary.hashCode()} of ${binary.size}".also { binary.clear() }
        webSocket.request(1)
        return null
    }

    override fun onPong(webSocket: WebSocket, message: ByteBuffer): CompletionStage<*>? {
        events += "pong ${Charsets.UTF_8.decode(message)}"
        webSocket.request(1)
        return null
    }

    override fun onClose(webSocket: WebSocket, statusCode: Int, reason: String): CompletionStage<*> {
        events += "close $statusCode"
        return CompletableFuture.completedFuture(null)
    }

    override fun onError(webSocket: WebSocket, error: Throwable) {
        events += "error $error"
    }
}
