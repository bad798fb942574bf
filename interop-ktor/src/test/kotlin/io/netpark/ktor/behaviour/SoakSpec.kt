package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondFile
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.server.sse.SSE
import io.ktor.server.sse.sse
import io.ktor.server.websocket.WebSockets
import io.ktor.server.websocket.webSocket
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.writeFully
import io.ktor.websocket.Frame
import io.ktor.websocket.readText
import io.ktor.websocket.send
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import java.net.SocketTimeoutException
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicLong
import java.util.concurrent.atomic.AtomicReference
import kotlin.random.Random
import kotlin.time.Duration.Companion.minutes

/** How long; half an hour (1800) for the long form. */
private val seconds: Long = java.lang.Long.getLong("netpark.ktor.soak.seconds", 5L)

private fun Application.soaked(file: File) {
    install(WebSockets)
    install(SSE)
    routing {
        get("/") { call.respondText("Hello") }
        get("/file") { call.respondFile(file) }
        get("/delayed") {
            delay(20)
            call.respondText("delayed")
        }
        get("/elsewhere") { call.respondText(withContext(Dispatchers.IO) { "elsewhere" }) }
        get("/launching") {
            call.launch { delay(10) }
            call.respondText("launched")
        }
        get("/failing") { error("expected") }
        get("/writer") { call.respondTextWriter { repeat(50) { write("line $it\n") } } }
        get("/large") {
            call.respond(object : OutgoingContent.WriteChannelContent() {
                override suspend fun writeTo(channel: ByteWriteChannel) = repeat(40) { channel.writeFully(ByteArray(16384)) }
            })
        }
        post("/length") { call.respondText("${call.receiveText().length}") }
        post("/unread") { call.respondText("unread") }
        post("/echo") { call.respondBytesWriter { call.receiveChannel().copyTo(this) } }
        route("/watched") {
            install(HttpRequestLifecycle) { cancelCallOnClose = true }
            get { delay(1.minutes) }
        }
        webSocket("/socket") { for (frame in incoming) if (frame is Frame.Text) send(frame.readText()) }
        sse("/events") { repeat(1000) { send("event $it"); delay(5) } }
    }
}

/** Load, with clients that vanish, halves that close, and restarts of the application: nothing is left in the end. */
class SoakSpec : NetparkSpec(leaksMatter = false, body = {
    timeout = TimeUnit.HOURS.toMillis(2)

    test("$seconds seconds of load with clients that vanish, halves that close and restarts") {
        val resources = Resources()
        val file = Files.createTempFile("soak", ".txt")
        Files.write(file, ByteArray(700_000) { 'f'.code.toByte() })
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds)
        val running = AtomicReference<RunningApplication>()
        val answered = AtomicLong()
        val lost = AtomicLong()

        fun start() = RunningApplication(parent = resources.parent, configure = {
            resources.use(this)
            listenOnLoopback()
        }) { soaked(file.toFile()) }

        running.set(start())
        val clients = (1..6).map { client ->
            async {
                val random = Random(client)
                while (System.nanoTime() < end) {
                    try {
                        val sites = running.get().sites
                        visit(sites[if (random.nextInt(4) == 0) sites.size - 1 else 0], random)
                        answered.incrementAndGet()
                    } catch (e: SocketTimeoutException) {
                        throw AssertionError("neither an answer nor a close", e)
                    } catch (_: IOException) {
                        lost.incrementAndGet() // the server was stopped meanwhile
                    }
                }
            }
        }
        while (System.nanoTime() < end && clients.none { it.isCompletedExceptionally }) {
            Thread.sleep(minOf(2000, seconds * 300))
            val old = running.get()
            val new = start()
            running.set(new)
            old.server.stop(Random.nextLong(0, 200), 500)
        }
        clients.firstOrNull { it.isCompletedExceptionally }?.get() // the others go on for as long as they were told
        clients.forEach { it.get(2, TimeUnit.MINUTES) }
        running.get().close()
        Files.delete(file)
        println("soak: ${answered.get()} visits, ${lost.get()} of them cut by a restart")
        check(answered.get() > 0)
        resources.shouldBeBack()
    }
})

/** An answer of a server that does not stop meanwhile: one that does cancels calls, which are answered by 503. */
private fun Peer.served(): Answer = answer().also { if (it.status == 503) throw IOException("the server stops") }

/** What clients do, good ones and others. */
private fun visit(site: Site, random: Random) {
    when (random.nextInt(12)) {
        0, 1, 2 -> site.connect().use { peer ->
            repeat(random.nextInt(1, 20)) {
                val path = listOf("/", "/delayed", "/elsewhere", "/launching", "/writer", "/large", "/file", "/none").random(random)
                peer.send(get(path))
                peer.served().status shouldBe if (path == "/none") 404 else 200
            }
        }
        3 -> site.connect().use { peer ->
            val body = "x".repeat(random.nextInt(200_000))
            peer.send(post("/length", body))
            peer.served().text shouldBe "${body.length}"
            peer.send(post("/unread", body))
            peer.served().status shouldBe 200
        }
        4 -> site.connect().use { peer ->
            peer.send((1..10).joinToString("") { get(if (it % 3 == 0) "/delayed" else "/") })
            repeat(10) { peer.served().status shouldBe 200 }
        }
        5 -> site.connect().use { peer ->
            peer.send(get("/file"))
            if (random.nextBoolean()) peer.exactly(random.nextInt(1, 100_000))
            if (random.nextBoolean()) peer.reset()
        }
        6 -> site.connect().use { peer ->
            peer.send(post("/echo", "y".repeat(random.nextInt(100_000))).let { it.substring(0, random.nextInt(1, it.length)) })
            if (random.nextBoolean()) peer.reset() else if (random.nextBoolean()) peer.endOutput()
        }
        7 -> site.connect().use { peer ->
            peer.send(get("/watched"))
            Thread.sleep(random.nextLong(10))
            if (random.nextBoolean()) peer.reset()
        }
        8 -> site.connect().use { peer ->
            peer.send(get("/large"))
            peer.endOutput()
            peer.served().body.size shouldBe 40 * 16384
        }
        9 -> WebSocketPeer(site, "/socket").use { socket ->
            repeat(random.nextInt(1, 20)) {
                socket.send("message $it")
                val answer = socket.message()
                if (answer.opcode == WebSocketPeer.CLOSE) return // the server is being stopped
                answer.text shouldBe "message $it"
            }
            when (random.nextInt(3)) {
                0 -> socket.peer.reset()
                1 -> {
                    socket.sendClose()
                    socket.message().opcode shouldBe WebSocketPeer.CLOSE
                }
            }
        }
        10 -> site.connect().use { peer ->
            peer.send(get("/events"))
            peer.answerHead()
            peer.exactly(random.nextInt(1, 200))
            if (random.nextBoolean()) peer.reset()
        }
        else -> site.connect().use { peer ->
            peer.send(listOf("nonsense\r\n\r\n", get("/failing"), "GET / HT", get("/", "Connection: close")).random(random))
            if (random.nextBoolean()) peer.endOutput()
            if (random.nextBoolean()) peer.reset() else peer.close()
        }
    }
}
