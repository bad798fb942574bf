package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.server.application.install
import io.ktor.server.routing.routing
import io.ktor.server.sse.SSE
import io.ktor.server.sse.sse
import io.ktor.sse.ServerSentEvent
import io.netpark.core.testing.eventually
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.minutes

@Volatile
private var wanted = Channel<String>(Channel.UNLIMITED)
private val ended = AtomicInteger()

/** Events that the server sends (text/event-stream), by Ktor's own plugin. */
class EventsSpec : BehaviourSpec(
    application = {
        install(SSE)
        routing {
            sse("/three") { repeat(3) { send(ServerSentEvent(data = "event $it", id = "$it")) } }
            sse("/wanted") { for (event in wanted) send(ServerSentEvent(data = event)) }
            sse("/again") {
                val last = call.request.headers["Last-Event-ID"]?.toInt() ?: 0
                send(ServerSentEvent(data = "after $last", id = "${last + 1}"))
            }
        }
    },
    body = {
        /** The data of the next event. */
        fun Peer.event(): String {
            var text = ""
            while (!text.endsWith("\r\n\r\n")) text += String(checkNotNull(chunk()) { "the end after \"$text\"" })
            return text.lines().first { it.startsWith("data: ") }.removePrefix("data: ")
        }

        behaviour("three events and the end") { site ->
            val answer = site.get("/three", "Accept", "text/event-stream")
            answer.headers().firstValue("Content-Type").get().substringBefore(';') shouldBe "text/event-stream"
            answer.body().lines().filter { it.startsWith("data: ") } shouldBe (0..2).map { "data: event $it" }
        }

        behaviour("each event goes out at once") { site ->
            wanted = Channel(Channel.UNLIMITED)
            site.connect().use { peer ->
                peer.send(get("/wanted", "Accept: text/event-stream"))
                peer.answerHead().run {
                    status shouldBe 200
                    isChunked shouldBe true
                }
                for (event in listOf("one", "two", "three")) {
                    wanted.trySend(event)
                    peer.event() shouldBe event
                }
            }
            wanted.close()
        }

        test("a session that waits ends with its server") {
            ended.set(0)
            val running = RunningApplication {
                install(SSE)
                routing {
                    sse("/") {
                        try {
                            send(ServerSentEvent(data = "first"))
                            delay(5.minutes)
                        } finally {
                            ended.incrementAndGet()
                        }
                    }
                }
            }
            val peers = running.sites.map { site ->
                site.connect().also {
                    it.send(get("/"))
                    it.answerHead()
                    it.event() shouldBe "first"
                }
            }
            running.close()
            eventually { ended.get() shouldBe peers.size }
            peers.forEach { it.close() }
        }

        behaviour("a client that comes back says what it has seen") { site ->
            site.get("/again").body().lines().first { it.startsWith("data") } shouldBe "data: after 0"
            site.get("/again", "Last-Event-ID", "7").body().lines().first { it.startsWith("data") } shouldBe "data: after 7"
        }
    },
)
