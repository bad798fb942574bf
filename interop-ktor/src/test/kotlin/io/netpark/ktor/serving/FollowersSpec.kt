package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.request.receiveChannel
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytes
import io.ktor.server.response.respondText
import io.ktor.server.routing.delete
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.readByteArray
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** What has come behind a request when that is still being answered, or has been refused. */
class FollowersSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    var goOn = CompletableDeferred<Unit>()
    val begun = AtomicInteger()
    val ended = AtomicInteger()
    val smuggled = AtomicInteger()
    val counted = AtomicInteger()
    val server = serverOf(configure = { headTimeout = 300.milliseconds; eventLoops = 1 }) {
        routing {
            get("/") { call.respondText("Hello") }
            get("/smuggled") { call.respondText("${smuggled.incrementAndGet()}") }
            get("/suspended") {
                yield()
                call.respondText("suspended")
            }
            get("/echo") {
                yield()
                call.respond(Echo())
            }
            get("/counted") {
                repeat(10) { yield() }
                call.respondText("${counted.get()}")
            }
            delete("/counted") {
                repeat(10) { yield() }
                call.respondText("${counted.incrementAndGet()}")
            }
            get("/gated") {
                goOn.await()
                call.respondText("gated")
            }
            get("/upgraded") {
                try {
                    call.respond(Echo())
                } catch (e: BadRequestException) {
                    ended.incrementAndGet()
                    throw e
                }
            }
            post("/unread") { call.respondText("unread") }
            post("/waiting") {
                val channel = call.receiveChannel()
                val bytes = channel.readByteArray(4)
                channel.awaitContent() shouldBe false
                goOn.await()
                call.respondBytes(bytes)
            }
            get("/unanswered") {
                goOn.await()
                call.respond(HttpStatusCode(200, "a line break\r\n"), "which nothing can be answered with")
            }
            get("/stubborn") {
                begun.incrementAndGet()
                try {
                    withContext(NonCancellable) { call.respondText("late") }
                } finally {
                    ended.incrementAndGet()
                }
            }
        }
    }
    beforeSpec { server.start() }
    afterSpec { server.stop(0, 1000) }
    beforeTest {
        goOn = CompletableDeferred()
        begun.set(0)
        ended.set(0)
    }

    for (path in listOf("/unread", "/nowhere")) {
        test("POST $path: behind a size of a chunk that is refused nothing is taken for a request, though the answer has been given") {
            server.connect().use { peer ->
                // A size with zeros in front, which others may read as 40, and what 40 bytes of data may look like.
                val body = "0000000000000028\r\n0\r\n\r\n" + get("/smuggled")
                peer.send("POST $path HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n$body")
                peer.answer()
                peer.isEnded() shouldBe true
                smuggled.get() shouldBe 0
            }
        }
    }

    test("a request whose method is not safe is handled beside no other") {
        server.connect().use { peer ->
            val delete = get("/counted").replace("GET", "DELETE")
            peer.send(get("/counted") + delete + get("/counted") + get("/counted") + delete + delete + get("/"))
            for (count in listOf("0", "1", "1", "1", "2", "3", "Hello")) peer.answer().text shouldBe count
        }
    }

    test("bytes behind a request for an upgrade are the other protocol's, though its handler has suspended first") {
        server.connect().use { peer ->
            peer.send(get("/echo", "Connection: upgrade", "Upgrade: echo") + "hello\nworld\n")
            peer.answerHead().status shouldBe 101
            peer.endOutput()
            peer.rest() shouldBe "hello\nworld\n"
        }
    }

    test("the body of a request for an upgrade is looked at when the answers before it are given, as they may be in the making") {
        server.connect().use { peer ->
            val upgrade = get("/upgraded", "Connection: upgrade", "Upgrade: echo", "Content-Length: 4", "Expect: 100-continue")
            peer.send(get("/gated") + upgrade)
            server.connect().use { other -> // the loop has begun both
                other.send(get("/"))
                other.answer().text shouldBe "Hello"
            }
            ended.get() shouldBe 0
            goOn.complete(Unit)
            peer.answer().text shouldBe "gated"
            peer.answer().status shouldBe 400
            peer.isEnded() shouldBe true
        }
    }

    test("a head that was begun while the call before it was at work has its time as any other") {
        server.connect().use { peer ->
            peer.send(get("/suspended") + "GET / HTTP/1.1\r\n")
            peer.answer().text shouldBe "suspended"
            peer.answer().status shouldBe 408
            peer.isEnded() shouldBe true
        }
    }

    test("an answer does not wait for that of the next call, which has taken all of its body and waits") {
        server.connect().use { peer ->
            peer.send(get("/") + "POST /waiting HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
            peer.answer().text shouldBe "Hello"
            goOn.complete(Unit)
            peer.answer().text shouldBe "body"
        }
    }

    test("a call that heeds no cancellation does not wait for an answer that could not be given") {
        server.connect().use { peer ->
            peer.send(get("/unanswered") + get("/stubborn"))
            eventually { begun.get() shouldBe 1 }
            peer.reset()
            goOn.complete(Unit)
            eventually { ended.get() shouldBe 1 }
        }
    }
})

private class Echo : OutgoingContent.ProtocolUpgrade() {
    override suspend fun upgrade(
        input: ByteReadChannel,
        output: ByteWriteChannel,
        engineContext: CoroutineContext,
        userContext: CoroutineContext,
    ): Job = CoroutineScope(engineContext).launch {
        input.copyTo(output)
        output.flushAndClose()
    }
}
