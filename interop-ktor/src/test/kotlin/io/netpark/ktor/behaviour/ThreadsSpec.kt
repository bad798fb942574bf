package io.netpark.ktor.behaviour

import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.server.request.receiveStream
import io.ktor.utils.io.jvm.javaio.toInputStream
import io.ktor.server.request.receiveChannel
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.withContext
import java.util.concurrent.atomic.AtomicInteger

private val completed = AtomicInteger()

/** Handlers that change threads, that block, and many clients at once. */
class ThreadsSpec : BehaviourSpec(
    application = {
        routing {
            get("/writer/{index}") {
                val index = call.parameters["index"]
                call.respondTextWriter {
                    try {
                        append("OK:$index\n")
                    } finally {
                        completed.incrementAndGet()
                    }
                }
            }
            get("/blocking") {
                call.respondTextWriter {
                    Thread.sleep(100)
                    write("Deadlock ?")
                }
            }
            get("/elsewhere") {
                val name = withContext(Dispatchers.IO) {
                    Thread.sleep(5)
                    "elsewhere"
                }
                call.respondText(name)
            }
            get("/answered-elsewhere") { withContext(Dispatchers.Default) { call.respondText("from another thread") } }
            get("/side-by-side") {
                val all = coroutineScope { (1..10).map { async(Dispatchers.Default) { delay(5); it } }.awaitAll() }
                call.respondText("${all.sum()}")
            }
            post("/read-elsewhere") {
                val text = withContext(Dispatchers.IO) { call.receiveStream().bufferedReader().readText() }
                call.respondText("${text.length}")
            }
            post("/blocking-read") {
                val channel = call.receiveChannel()
                val text = withContext(Dispatchers.IO) { channel.toInputStream().bufferedReader().readText() }
                call.respondText("${text.length}")
            }
        }
    },
    body = {
        behaviour("a hundred clients at once, each with an answer from a blocking writer that it reads slowly") { site ->
            completed.set(0)
            val clients = (1..100).map { index ->
                async {
                    site.connect().use { peer ->
                        peer.send(get("/writer/$index", "Connection: close"))
                        Thread.sleep((index * 7 % 50).toLong())
                        peer.answer().text
                    }
                }
            }
            clients.map { it.result() } shouldContainExactlyInAnyOrder (1..100).map { "OK:$it\n" }
            completed.get() shouldBe 100
        }

        behaviour("many more handlers that block in their writers than there are threads") { site ->
            val clients = (1..150).map { async { site.ask(get("/blocking", "Connection: close")).text } }
            clients.forEach { it.result() shouldBe "Deadlock ?" }
        }

        behaviour("a handler that works on another thread, and answers from it") { site ->
            site.get("/elsewhere").body() shouldBe "elsewhere"
            site.get("/answered-elsewhere").body() shouldBe "from another thread"
            site.get("/side-by-side").body() shouldBe "55"
        }

        behaviour("a body that is read on another thread, in pieces that come slowly") { site ->
            for (path in listOf("/read-elsewhere", "/blocking-read")) {
                site.connect().use { peer ->
                    peer.sendHead("POST $path HTTP/1.1", "Host: localhost", "Content-Length: 50000")
                    repeat(5) {
                        peer.send("x".repeat(10_000))
                        Thread.sleep(10)
                    }
                    peer.answer().text shouldBe "50000"
                }
            }
        }

        behaviour("a thousand requests of ten clients, none of them lost or mistaken") { site -> // KTOR-9531, KTOR-9542
            val clients = (1..10).map { client ->
                async {
                    site.connect().use { peer ->
                        repeat(100) { round ->
                            peer.send(get("/writer/$client-$round"))
                            peer.answer().text shouldBe "OK:$client-$round\n"
                        }
                    }
                }
            }
            clients.forEach { it.result() }
        }
    },
)
