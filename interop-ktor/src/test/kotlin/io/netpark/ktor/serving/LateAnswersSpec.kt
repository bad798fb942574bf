package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.seconds

/** Coroutines that a call has left behind, and that would answer when it is over. */
class LateAnswersSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    test("a coroutine that waits for its call's turn, and goes on when the call is over, answers nothing") {
        val late = ByHand()
        val gate = CompletableDeferred<Unit>()
        val hasAsked = CompletableDeferred<Unit>()
        val outcome = CompletableFuture<Throwable?>()
        val server = serverOf(configure = { eventLoops = 1 }) {
            routing {
                get("/first") {
                    gate.await()
                    call.respondText("first")
                }
                get("/late") {
                    call.launch(late) { outcome.complete(runCatching { call.respondText("late") }.exceptionOrNull()) }
                    hasAsked.await()
                }
            }
        }
        serving(server) {
            it.connect().use { peer ->
                peer.send(get("/first") + get("/late"))
                late.runNext() // it finds that it is not its turn
                hasAsked.complete(Unit)
                gate.complete(Unit)
                peer.answer().text shouldBe "first"
                peer.answer().also { answer -> answer.endsConnection shouldBe true }.status shouldBe 500
                while (!outcome.isDone) late.runNext()
                val failure = outcome.get().shouldNotBeNull()
                generateSequence(failure) { cause -> cause.cause }.joinToString { cause -> "${cause.message}" } shouldContain "is over"
                peer.isEnded() shouldBe true
            }
        }
    }

    test("the next answer begins when a coroutine that the call has left behind has sent the one before") {
        val isSending = CompletableDeferred<Unit>()
        val goOn = CountDownLatch(1)
        val libc = HeldLibC()
        libc.sends = { length ->
            if (Thread.currentThread().name == LATE_THREAD) {
                isSending.complete(Unit)
                goOn.await()
            }
            length
        }
        Executors.newSingleThreadExecutor { Thread(it, LATE_THREAD) }.asCoroutineDispatcher().use { late ->
            val server = serverOf(configure = { eventLoops = 1; loops = { libc(libc) } }) {
                routing {
                    get("/first") { call.respondText("first") }
                    get("/late") {
                        call.launch(late) { call.respondText("late") }
                        isSending.await()
                    }
                }
            }
            serving(server) {
                it.connect().use { peer ->
                    peer.send(get("/late") + get("/first"))
                    try {
                        runBlocking { isSending.await() }
                        val loop = it.engine.group!!.first()
                        repeat(3) { loop.submit {}.get() } // the call has ended, and the next one would answer
                    } finally {
                        goOn.countDown()
                    }
                    peer.answer().text shouldBe "late"
                    peer.answer().text shouldBe "first"
                }
            }
        }
    }

    test("coroutines on other threads that answer just when their call ends: what clients get is one answer, or is cut off") {
        val threads = AtomicInteger()
        val server = serverOf(configure = { callDispatcher = kotlinx.coroutines.Dispatchers.IO; eventLoops = 1 }) {
            routing {
                get("/first") { call.respondText("first") }
                get("/late") {
                    call.launch { call.respondText("late") }
                    threads.incrementAndGet()
                }
            }
        }
        serving(server) {
            repeat(300) { round ->
                it.connect().use { peer ->
                    peer.send(get("/first").repeat(round % 3) + get("/late") + get("/first"))
                    repeat(round % 3) { peer.answer().text shouldBe "first" }
                    val answer = peer.answerOrCut()
                    if (answer != null && answer.status == 200) {
                        answer.text shouldBe "late"
                        peer.answer().text shouldBe "first"
                    } else {
                        when (answer?.status) {
                            404 -> peer.answer().text shouldBe "first" // Ktor was first
                            null, 500 -> runCatching { peer.rest() }.getOrDefault("") shouldBe ""
                            else -> error("$answer")
                        }
                    }
                }
            }
            eventually { threads.get() shouldBe 300 }
        }
    }
})

private const val LATE_THREAD = "late answers"

/** Runs what is dispatched when it is told to, on the thread that tells it. */
private class ByHand : CoroutineDispatcher() {
    private val tasks = LinkedBlockingQueue<Runnable>()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        tasks += block
    }

    fun runNext() = checkNotNull(tasks.poll(SOON.inWholeSeconds, TimeUnit.SECONDS)) { "nothing was dispatched" }.run()
}
