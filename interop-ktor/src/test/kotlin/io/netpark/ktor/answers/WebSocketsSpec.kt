package io.netpark.ktor.answers

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.engine.embeddedServer
import io.ktor.server.routing.routing
import io.ktor.server.websocket.WebSockets
import io.ktor.server.websocket.webSocket
import io.ktor.websocket.CloseReason
import io.ktor.websocket.Frame
import io.ktor.websocket.close
import io.ktor.websocket.readBytes
import io.ktor.websocket.readText
import io.ktor.websocket.send
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.result
import io.netpark.ktor.Netpark
import io.netpark.ktor.channels.pattern
import java.io.ByteArrayOutputStream
import java.net.Socket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.WebSocket
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.runBlocking

/** Outside of any test's scope: a server that is a child of its test cannot stop while the test blocks their thread. */
private fun serverOf(module: suspend Application.() -> Unit) =
    embeddedServer(Netpark, port = 0, host = "127.0.0.1", module = module)

/** WebSockets by Ktor's own plugin, and the JDK's client. */
class WebSocketsSpec : NetparkSpec(leaksMatter = false, body = { // the JDK's client keeps a thread and its selector
    val ended = LinkedBlockingQueue<String>()

    /** The JDK's client fails if a ping comes when it has sent its close: it cannot answer that any more. */
    fun served(name: String, pings: Boolean = false, body: (port: Int) -> Unit) = test(name) {
        val server = serverOf {
            install(WebSockets) {
                if (pings) pingPeriodMillis = 100
                maxFrameSize = 2L shl 20
            }
            routing {
                webSocket("/echo") {
                    try {
                        for (frame in incoming) {
                            when (frame) {
                                is Frame.Text -> send("${frame.readText()} back")
                                is Frame.Binary -> send(frame.readBytes())
                                else -> {}
                            }
                        }
                        ended += "closed: ${closeReason.await()?.message}"
                    } catch (e: Throwable) {
                        ended += "failed: $e"
                        throw e
                    }
                }
                webSocket("/goodbye") { close(CloseReason(CloseReason.Codes.NORMAL, "that was it")) }
            }
        }.start(wait = false)
        try {
            ended.clear()
            body(runBlocking { server.engine.resolvedConnectors().single().port })
        } finally {
            server.stop(0, 1000)
        }
    }

    served("text and binary frames of any size are answered") { port ->
        val client = Client.connect(port, "/echo")
        client.socket.sendText("hello", true).result()
        client.text() shouldBe "hello back"
        for (length in listOf(0, 1, 125, 126, 65_535, 65_536, 1 shl 20)) {
            client.socket.sendBinary(ByteBuffer.wrap(pattern(length)), true).result()
            client.binary().contentEquals(pattern(length)) shouldBe true
        }
        client.socket.sendClose(WebSocket.NORMAL_CLOSURE, "enough").result()
        client.closed() shouldBe "enough"
        ended.poll(10, TimeUnit.SECONDS) shouldBe "closed: enough"
    }

    served("pings are sent, and answered", pings = true) { port ->
        val client = Client.connect(port, "/echo")
        client.pings.poll(10, TimeUnit.SECONDS) shouldBe Unit
        client.socket.sendPing(ByteBuffer.wrap("are you there".toByteArray())).result()
        client.pongs.poll(10, TimeUnit.SECONDS) shouldBe "are you there"
        client.socket.sendText("still open", true).result()
        client.text() shouldBe "still open back"
        client.socket.abort() // another ping may come at any moment
    }

    served("the server closes") { port ->
        Client.connect(port, "/goodbye").closed() shouldBe "that was it"
    }

    served("a client that vanishes ends the session") { port ->
        Socket("127.0.0.1", port).use { socket ->
            socket.getOutputStream().write(
                ("GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
                    "Sec-WebSocket-Version: 13\r\n" +
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").toByteArray(),
            )
            val head = StringBuilder()
            while (!head.endsWith("\r\n\r\n")) head.append(socket.getInputStream().read().toChar())
            head.toString() shouldContain "101 Switching Protocols"
            head.toString() shouldContain "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            socket.setSoLinger(true, 0)
        }
        ended.poll(20, TimeUnit.SECONDS).orEmpty().isNotEmpty() shouldBe true
    }
})

/** What a client has seen. */
private class Client : WebSocket.Listener {
    private val texts = LinkedBlockingQueue<String>()
    private val binaries = LinkedBlockingQueue<ByteArray>()
    private val end = CompletableFuture<String>()
    val pings = LinkedBlockingQueue<Unit>()
    val pongs = LinkedBlockingQueue<String>()
    lateinit var socket: WebSocket

    private val text = StringBuilder()
    private val binary = ByteArrayOutputStream()

    fun text(): String? = texts.poll(20, TimeUnit.SECONDS)

    fun binary(): ByteArray? = binaries.poll(20, TimeUnit.SECONDS)

    fun closed(): String = end.get(20, TimeUnit.SECONDS)

    override fun onText(socket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
        text.append(data)
        if (last) texts += text.toString().also { text.clear() }
        socket.request(1)
        return null
    }

    override fun onBinary(socket: WebSocket, data: ByteBuffer, last: Boolean): CompletionStage<*>? {
        val bytes = ByteArray(data.remaining()).also { data.get(it) }
        binary.write(bytes)
        if (last) binaries += binary.toByteArray().also { binary.reset() }
        socket.request(1)
        return null
    }

    override fun onPing(socket: WebSocket, message: ByteBuffer): CompletionStage<*>? {
        pings += Unit
        socket.request(1)
        return null
    }

    override fun onPong(socket: WebSocket, message: ByteBuffer): CompletionStage<*>? {
        pongs += Charsets.UTF_8.decode(message).toString()
        socket.request(1)
        return null
    }

    override fun onClose(socket: WebSocket, code: Int, reason: String): CompletionStage<*>? {
        end.complete(reason)
        return null
    }

    override fun onError(socket: WebSocket, error: Throwable) {
        end.completeExceptionally(error)
    }

    companion object {
        private val http: HttpClient = HttpClient.newHttpClient()

        fun connect(port: Int, path: String): Client = Client().also { client ->
            val uri = URI("ws://127.0.0.1:$port$path")
            client.socket = http.newWebSocketBuilder().buildAsync(uri, client).get(20, TimeUnit.SECONDS)
        }
    }
}
