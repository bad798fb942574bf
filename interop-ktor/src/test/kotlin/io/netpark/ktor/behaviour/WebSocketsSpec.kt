package io.netpark.ktor.behaviour

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.ktor.server.application.install
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.ktor.server.websocket.DefaultWebSocketServerSession
import io.ktor.server.websocket.WebSockets
import io.ktor.server.websocket.webSocket
import io.ktor.server.websocket.webSocketRaw
import io.ktor.websocket.CloseReason
import io.ktor.websocket.Frame
import io.ktor.websocket.close
import io.ktor.websocket.readText
import io.ktor.websocket.send
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.consumeEach
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.net.http.WebSocket
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

private object Session {
    val received = ConcurrentLinkedQueue<String>()
    val begun = AtomicInteger()
    val ended = AtomicInteger()
    val closed = AtomicInteger()

    @Volatile
    var failure: Throwable? = null

    fun reset() {
        received.clear()
        begun.set(0)
        ended.set(0)
        closed.set(0)
        failure = null
    }
}

/** Notes when the session's job and its reason to close come to their ends. */
private fun DefaultWebSocketServerSession.watched() {
    coroutineContext[Job]!!.invokeOnCompletion { Session.ended.incrementAndGet() }
    launch(start = CoroutineStart.UNDISPATCHED) { // has begun, surely
        try {
            closeReason.await()
        } finally {
            Session.closed.incrementAndGet()
        }
    }
    Session.begun.incrementAndGet()
}

private val counts = (1..125).map { count -> (1..count).joinToString("") { (it and 15).toString(16) } }

/** WebSocket by Ktor's own plugin. */
class WebSocketsSpec : BehaviourSpec(
    application = {
        install(WebSockets)
        routing {
            get("/") { call.respondText("no socket") }
            webSocket("/echo") {
                for (frame in incoming) if (frame is Frame.Text) send("you said ${frame.readText()}")
            }
            webSocket("/collect") {
                incoming.consumeEach { if (it is Frame.Text) Session.received += it.readText() }
            }
            webSocket("/one") { Session.received += (incoming.receive() as Frame.Text).readText() }
            webSocket("/produce") { for (text in counts) send(text) }
            webSocket("/big") {
                val frame = incoming.receive()
                outgoing.send(frame.copy())
                flush()
            }
            webSocket("/closing") { close(CloseReason(CloseReason.Codes.TRY_AGAIN_LATER, "test")) }
            webSocket("/pinging") {
                timeoutMillis = 120_000
                pingIntervalMillis = 50
                incoming.consumeEach { }
            }
            webSocket("/consuming") {
                watched()
                incoming.consumeEach { }
            }
            webSocket("/sending") {
                watched()
                while (true) {
                    send("a".repeat(2000))
                    delay(10.milliseconds)
                }
            }
            webSocket("/waiting") {
                watched()
                delay(5.minutes)
            }
            webSocket("/failing") {
                send("last words")
                incoming.receive()
                error("expected")
            }
            webSocket("/after-close") {
                try {
                    incoming.receiveCatching().getOrNull().let { check(it == null) { "$it" } }
                    shouldThrow<CancellationException> {
                        repeat(1000) {
                            outgoing.send(Frame.Text("should not be sent"))
                            delay(20)
                        }
                    }
                } catch (e: Throwable) {
                    Session.failure = e
                } finally {
                    Session.ended.incrementAndGet()
                }
            }
            webSocketRaw("/raw") {
                coroutineContext[Job]!!.invokeOnCompletion { Session.ended.incrementAndGet() }
                Session.begun.incrementAndGet()
                runCatching { for (frame in incoming) outgoing.send(frame) }
            }
            webSocket("/chat", protocol = "chat") { send("chat") }
        }
    },
    body = {
        fun Site.open(path: String, vararg fields: String): WebSocketPeer {
            Session.reset()
            return WebSocketPeer(this, path, *fields)
        }

        behaviour("a message and a close: the message is received, the close is answered") { site ->
            site.open("/one").use { socket ->
                socket.send("Hello")
                socket.sendClose()
                socket.shouldClose()
            }
            eventually { Session.received.toList() shouldContainExactly listOf("Hello") }
        }

        behaviour("an echo, by the JDK's client as well") { site ->
            site.open("/echo").use { socket ->
                socket.send("one")
                socket.message().text shouldBe "you said one"
            }
            val answer = CompletableFuture<String>()
            val listener = object : WebSocket.Listener {
                override fun onText(webSocket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
                    answer.complete("$data")
                    return null
                }
            }
            val uri = java.net.URI(site.uri("/echo").toString().replaceFirst("http", "ws"))
            val socket = jdkClient.newWebSocketBuilder().buildAsync(uri, listener).get(SOON.inWholeSeconds, TimeUnit.SECONDS)
            socket.request(1)
            socket.sendText("two", true).get(SOON.inWholeSeconds, TimeUnit.SECONDS)
            answer.result() shouldBe "you said two"
            socket.abort()
        }

        behaviour("a hundred and twenty-five messages are received in order") { site ->
            site.open("/collect").use { socket ->
                for (text in counts) socket.send(text)
                socket.sendClose()
                socket.shouldClose()
            }
            eventually { Session.received.toList() shouldContainExactly counts }
        }

        behaviour("messages behind each other in one write") { site ->
            site.open("/echo").use { socket ->
                val letters = listOf("a", "b", "c")
                socket.peer.send(letters.map { socket.bytes(WebSocketPeer.TEXT, it.toByteArray()) }.reduce(ByteArray::plus))
                for (letter in letters) socket.message().text shouldBe "you said $letter"
            }
        }

        behaviour("a hundred and twenty-five messages are sent in order, then the close") { site ->
            site.open("/produce").use { socket ->
                for (text in counts) socket.message().text shouldBe text
                socket.shouldClose()
            }
        }

        behaviour("an upgrade with a Content-Type") { site -> // KTOR-6366
            site.open("/collect", "Content-Type: application/json").use { socket ->
                socket.send("x")
                socket.sendClose()
                socket.shouldClose()
            }
            eventually { Session.received.toList() shouldContainExactly listOf("x") }
        }

        behaviour("a frame of 8 MiB there and back") { site ->
            val content = Random(3).nextBytes(8 shl 20)
            site.open("/big").use { socket ->
                val sending = async { socket.send(WebSocketPeer.BINARY, content) }
                val frame = socket.message()
                sending.result()
                frame.opcode shouldBe WebSocketPeer.BINARY
                frame.payload.contentEquals(content) shouldBe true
                socket.shouldClose()
            }
        }

        behaviour("twenty thousand frames in one stream") { site ->
            site.open("/collect").use { socket ->
                val all = java.io.ByteArrayOutputStream()
                repeat(20_000) { all.write(socket.bytes(WebSocketPeer.TEXT, "$it".toByteArray())) }
                socket.peer.send(all.toByteArray())
                socket.sendClose()
                socket.shouldClose()
            }
            eventually { Session.received.toList() shouldBe (0 until 20_000).map { "$it" } }
        }

        behaviour("a message in fragments, with a flag on the first and a ping between them") { site ->
            site.open("/echo").use { socket ->
                socket.send(WebSocketPeer.TEXT, "Hello".toByteArray(), isFinal = false)
                socket.send(WebSocketPeer.PING, "p".toByteArray())
                socket.send(WebSocketPeer.CONTINUATION, ", World".toByteArray())
                val frames = listOf(socket.message(), socket.message())
                frames.first { it.opcode == WebSocketPeer.PONG }.text shouldBe "p"
                frames.first { it.opcode == WebSocketPeer.TEXT }.text shouldBe "you said Hello, World"
            }
        }

        behaviour("the server pings, and goes on as long as it is answered") { site ->
            site.open("/pinging").use { socket ->
                repeat(5) {
                    val ping = socket.frame()
                    ping.opcode shouldBe WebSocketPeer.PING
                    check(ping.payload.isNotEmpty())
                    socket.send(WebSocketPeer.PONG, ping.payload)
                }
                socket.sendClose()
                socket.shouldClose()
            }
        }

        behaviour("the server closes first, and takes the client's close") { site ->
            site.open("/closing").use { socket ->
                socket.shouldClose(1013)
                socket.sendClose()
                socket.peer.isEnded() shouldBe true
            }
        }

        behaviour("the client closes first: the handler's channels are closed") { site ->
            site.open("/after-close").use { socket ->
                socket.sendClose(1001)
                val frame = socket.message()
                frame.opcode shouldBe WebSocketPeer.CLOSE
                frame.reason.shouldNotBeNull()
                eventually { Session.ended.get() shouldBe 1 }
                Session.failure shouldBe null
            }
        }

        // Ktor's plugin cancels the session of such a handler. Its close frame seldom gets ahead of that, by any engine.
        behaviour("a handler that fails ends its socket, after what it has sent, and without a reset") { site ->
            site.open("/failing").use { socket ->
                socket.message().text shouldBe "last words"
                socket.send("received")
                val rest = socket.peer.rest()
                check(rest.isEmpty() || rest[0].code and 0x0f == WebSocketPeer.CLOSE) { "not a close frame: $rest" }
            }
        }

        behaviour("an opcode that does not exist closes a raw socket with 1002") { site ->
            site.open("/raw").use { socket ->
                socket.send(3, ByteArray(0))
                socket.shouldClose(1002)
            }
            eventually { Session.ended.get() shouldBe 1 }
        }

        for ((doing, path) in listOf("receives" to "/consuming", "sends" to "/sending", "waits" to "/waiting")) {
            for ((how, leave) in listOf<Pair<String, Peer.() -> Unit>>("closes" to { close() }, "resets" to { reset() })) {
                behaviour("the client $how its connection while the handler $doing: the session ends") { site ->
                    val socket = site.open(path)
                    eventually { Session.begun.get() shouldBe 1 }
                    socket.peer.leave()
                    eventually {
                        Session.closed.get() shouldBe 1
                        Session.ended.get() shouldBe 1
                    }
                }
            }
        }

        behaviour("the client leaves a raw session") { site ->
            val socket = site.open("/raw")
            eventually { Session.begun.get() shouldBe 1 }
            socket.close()
            eventually { Session.ended.get() shouldBe 1 }
        }

        behaviour("a protocol that both speak is agreed upon") { site ->
            site.open("/chat", "Sec-WebSocket-Protocol: superchat, chat").use { socket ->
                socket.agreement["Sec-WebSocket-Protocol"] shouldBe "chat"
                socket.message().text shouldBe "chat"
            }
        }

        behaviour("a request without an upgrade gets an answer, and its connection goes on") { site ->
            site.connect().use { peer ->
                peer.send(get("/echo"))
                check(peer.answer().status in 400..499)
                peer.send(get("/"))
                peer.answer().text shouldBe "no socket"
            }
        }

        test("the server stops: sessions end") {
            val started = CountDownLatch(Scheme.all.size)
            Session.reset()
            val running = RunningApplication {
                install(WebSockets)
                routing {
                    webSocket("/") {
                        started.countDown()
                        try {
                            incoming.consumeEach { }
                        } finally {
                            Session.ended.incrementAndGet()
                        }
                    }
                }
            }
            val sockets = running.sites.map { WebSocketPeer(it, "/") }
            started.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            running.close()
            eventually { Session.ended.get() shouldBe sockets.size }
            sockets.forEach { it.close() }
        }
    },
)
