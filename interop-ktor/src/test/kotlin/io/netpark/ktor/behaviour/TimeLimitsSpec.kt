package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.http.content.OutgoingContent
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.writeFully
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.ktor.NetparkApplicationEngine
import kotlinx.coroutines.delay
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val stuck = AtomicInteger()

/**
 * Limits of time, set low: each phase of a connection has its own. Those of a head, a body and an answer are so low that only what
 * is too slow anyhow is asked here.
 */
class TimeLimitsSpec : BehaviourSpec(
    configure = {
        if (this is NetparkApplicationEngine.Configuration) {
            headTimeout = 300.milliseconds
            bodyTimeout = 300.milliseconds
            writeTimeout = 300.milliseconds
            idleTimeout = 1.seconds
        }
    },
    application = {
        routing {
            get("/") { call.respondText("Text") }
            post("/") { call.respondText("${call.receiveText().length}") }
            get("/slow") {
                delay(1500.milliseconds) // longer than an idle connection may stay
                call.respondText("slow")
            }
            get("/endless") {
                try {
                    call.respond(object : OutgoingContent.WriteChannelContent() {
                        override suspend fun writeTo(channel: ByteWriteChannel) {
                            while (true) channel.writeFully(ByteArray(65536))
                        }
                    })
                } finally {
                    stuck.incrementAndGet()
                }
            }
        }
    },
    body = {
        promise("a head that does not come to its end is answered with 408, however it drips", schemes = httpOnly) { site ->
            val silent = async {
                site.connect().use { peer ->
                    peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
                    peer.answer().status shouldBe 408
                    peer.isEnded() shouldBe true
                }
            }
            site.connect().use { peer ->
                val drip = kotlin.concurrent.thread {
                    runCatching {
                        peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
                        repeat(600) {
                            peer.send("a")
                            Thread.sleep(20)
                        }
                    }
                }
                peer.answer().status shouldBe 408
                peer.close()
                drip.join()
            }
            silent.result()
        }

        promise("a body that makes no progress is answered with 408") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST / HTTP/1.1", "Host: localhost", "Content-Length: 100")
                peer.send("some of it")
                peer.answer().status shouldBe 408
                peer.isEnded() shouldBe true
            }
        }

        promise("a client that does not take its answer is cut") { site ->
            stuck.set(0)
            site.connect().use { peer ->
                peer.send(get("/endless"))
                eventually { stuck.get() shouldBe 1 }
            }
        }

        promise(
            "a connection that is idle is closed, without a word, and an answer may take longer than any of the limits", // KTOR-9761
            schemes = httpOnly,
        ) { site ->
            val slow = async { site.ask(get("/slow")).text }
            val silent = async { site.connect().use { it.rest() } }
            site.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "Text"
                peer.isEnded() shouldBe true
            }
            silent.result() shouldBe ""
            slow.result() shouldBe "slow"
        }
    },
)
