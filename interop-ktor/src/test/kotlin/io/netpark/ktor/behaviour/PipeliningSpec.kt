package io.netpark.ktor.behaviour

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.ktor.http.ContentType
import io.ktor.http.content.OutgoingContent
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveText
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteChannel
import io.ktor.utils.io.close
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.writePacket
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

private val started = AtomicInteger()
private val cancelled = AtomicInteger()
private val posted = AtomicInteger()

/** Waits until so many have come. */
private class Gathering(private val count: Int) {
    private val come = AtomicInteger()
    private val all = CompletableDeferred<Unit>()

    suspend fun come() {
        if (come.incrementAndGet() == count) all.complete(Unit)
        all.await()
    }
}

@Volatile
private var gathering = Gathering(0)

/** Many requests at once on one connection. */
class PipeliningSpec : BehaviourSpec(
    application = {
        routing {
            get("/id") { call.respondText("Response for ${call.parameters["d"]}\n") }
            get("/wait") {
                val millis = call.request.queryParameters["d"]!!.toLong()
                delay(millis.milliseconds)
                call.response.header("D", "$millis")
                call.respondText("after $millis")
            }
            get("/together") {
                gathering.come()
                call.respondText("all there")
            }
            post("/length") { call.respondText("${call.receiveText().length}") }
            post("/unread") { call.respondText("OK") }
            post("/streamed") {
                posted.incrementAndGet()
                val channel = ByteChannel(autoFlush = true)
                launch(Dispatchers.Unconfined) {
                    channel.writePacket(call.receiveChannel().readBuffer())
                    channel.writeStringUtf8("\n")
                    channel.close(null)
                }
                call.respond(object : OutgoingContent.ReadChannelContent() {
                    override val contentType = ContentType.Text.Plain
                    override val contentLength = call.parameters["length"]!!.toLong()
                    override fun readFrom() = channel
                })
            }
            route("/cancelled") {
                install(HttpRequestLifecycle) { cancelCallOnClose = true }
                get {
                    started.incrementAndGet()
                    try {
                        delay(5.minutes)
                    } catch (e: CancellationException) {
                        cancelled.incrementAndGet()
                        throw e
                    }
                }
            }
        }
    },
    body = {
        promise("sixteen requests in one write are answered in order") { site ->
            site.connect().use { peer ->
                peer.send((1..16).joinToString("") { get("/id?d=$it") })
                (1..16).map { peer.answer().text } shouldContainExactly (1..16).map { "Response for $it\n" }
            }
        }

        behaviour("a fast answer waits for the slow one that was asked for before it") { site ->
            site.connect().use { peer ->
                peer.send(get("/wait?d=300") + get("/wait?d=1", "Connection: close"))
                peer.answer().text shouldBe "after 300"
                peer.answer().text shouldBe "after 1"
                peer.isEnded() shouldBe true
            }
        }

        promise("requests in one write are handled side by side: ten that wait for each other get on") { site ->
            gathering = Gathering(10)
            site.connect().use { peer ->
                peer.send((1..10).joinToString("") { get("/together") })
                repeat(10) { peer.answer().text shouldBe "all there" }
            }
        }

        promise("the client resets the connection: all ten requests under way are cancelled, each once") { site ->
            started.set(0)
            cancelled.set(0)
            val peer = site.connect()
            peer.send((1..10).joinToString("") { get("/cancelled") })
            eventually { started.get() shouldBe 10 }
            peer.reset()
            eventually { cancelled.get() shouldBe 10 }
        }

        behaviour("bodies of pipelined requests are not mistaken for requests, read or not") { site ->
            site.connect().use { peer ->
                val bodies = (0..8).map { "x".repeat(it * 700) }
                peer.send(bodies.joinToString("") { post("/length", it) + post("/unread", it) })
                for (body in bodies) {
                    peer.answer().text shouldBe "${body.length}"
                    peer.answer().text shouldBe "OK"
                }
            }
        }

        promise("answers that stream their request's body: fifteen are there before the sixteenth body comes") { site ->
            posted.set(0)
            site.connect().use { peer ->
                val bodies = (1..16).map { "Response for $it\r" }
                peer.send(bodies.take(15).joinToString("") { post("/streamed?length=${it.length + 1}", it) })
                peer.send(
                    head(
                        "POST /streamed?length=${bodies[15].length + 1} HTTP/1.1", "Host: localhost", "Connection: close",
                        "Content-Length: ${bodies[15].length}",
                    ),
                )
                eventually { check(posted.get() >= 15) }
                for (body in bodies.take(15)) peer.answer().text shouldBe body + "\n"
                peer.send(bodies[15])
                peer.answer().text shouldBe bodies[15] + "\n"
                peer.isEnded() shouldBe true
            }
        }

        behaviour("requests that are cut at every byte") { site ->
            val request = post("/length", "hello", "X-Field: value") + get("/id?d=7")
            site.connect().use { peer ->
                for (cut in 1 until request.length step 3) {
                    peer.send(request.substring(0, cut))
                    peer.send(request.substring(cut))
                    peer.answer().text shouldBe "5"
                    peer.answer().text shouldBe "Response for 7\n"
                }
            }
        }

        behaviour("empty lines before a request are passed over") { site ->
            site.connect().use { peer ->
                peer.send("\r\n" + get("/id?d=1"))
                peer.answer().text shouldBe "Response for 1\n"
                peer.send("\r\n" + get("/id?d=2"))
                peer.answer().text shouldBe "Response for 2\n"
            }
        }
    },
)
