package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.ktor.server.request.receiveChannel
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.writeFully
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.SOON
import io.netpark.ktor.behaviour.head
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.seconds

/** Answers that begin before the body of their request has come. */
class EarlyAnswersSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    test("an answer begins when another thread, which waits for the body, has told the client to send it") {
        val isTelling = CompletableDeferred<Unit>()
        val answers = CompletableDeferred<Unit>()
        val body = CompletableDeferred<String>()
        val goOn = CountDownLatch(1)
        val libc = HeldLibC()
        libc.sends = { length ->
            if (Thread.currentThread().name.startsWith(READER_THREAD)) {
                isTelling.complete(Unit)
                goOn.await()
            }
            length
        }
        Executors.newSingleThreadExecutor { Thread(it, READER_THREAD) }.asCoroutineDispatcher().use { reader ->
            val server = serverOf(configure = { eventLoops = 1; loops = { libc(libc) } }) {
                routing {
                    post("/early") {
                        val reading = call.async(reader) { call.receiveChannel().readByteArray(4).decodeToString() }
                        isTelling.await()
                        answers.complete(Unit)
                        call.respondText("early")
                        body.complete(reading.await())
                    }
                    get("/next") { call.respondText("next") }
                }
            }
            serving(server) {
                it.connect().use { peer ->
                    peer.send(EXPECTING)
                    try {
                        runBlocking { withTimeout(SOON) { answers.await() } }
                        val loop = it.engine.group!!.first()
                        repeat(3) { loop.submit {}.get() } // the call has come to its answer
                    } finally {
                        goOn.countDown()
                    }
                    peer.answer().status shouldBe 100
                    peer.answer().also { answer -> answer.endsConnection shouldBe false }.text shouldBe "early"
                    peer.send("body")
                    runBlocking { withTimeout(SOON) { body.await() } } shouldBe "body"
                    peer.send(get("/next"))
                    peer.answer().text shouldBe "next"
                }
            }
        }
    }

    test("a body that is asked for in the midst of its answer: no 100 comes between, and the answer is the last") {
        val server = serverOf {
            routing {
                post("/early") {
                    call.respondBytesWriter {
                        writeStringUtf8("early ")
                        flush()
                        writeFully(call.receiveChannel().readByteArray(4))
                    }
                }
            }
        }
        serving(server) {
            it.connect().use { peer ->
                peer.send(EXPECTING)
                peer.answerHead().also { answer -> answer.endsConnection shouldBe true }.status shouldBe 200
                peer.chunk()?.decodeToString() shouldBe "early "
                peer.send("body")
                peer.chunk()?.decodeToString() shouldBe "body"
                peer.chunk().shouldBeNull()
                peer.isEnded() shouldBe true
            }
        }
    }
})

private const val READER_THREAD = "reader of a body"

private val EXPECTING = head("POST /early HTTP/1.1", "Host: localhost", "Content-Length: 4", "Expect: 100-continue")
