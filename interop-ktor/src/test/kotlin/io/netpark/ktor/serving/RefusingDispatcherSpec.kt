package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.asCoroutineDispatcher
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import java.util.concurrent.ArrayBlockingQueue
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.seconds

/** A `callDispatcher` that does not take a call. */
class RefusingDispatcherSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    test("a call that the dispatcher does not take is answered with 503, and that is logged") {
        val refuses = AtomicBoolean()
        val reasons = CopyOnWriteArrayList<String>()
        val log = object : Logger by NOPLogger.NOP_LOGGER {
            override fun error(format: String?, vararg arguments: Any?) {
                reasons += "$format"
            }

            override fun error(format: String?, first: Any?, second: Any?) {
                reasons += "$format"
            }
        }
        val dispatcher = object : CoroutineDispatcher() {
            override fun dispatch(context: CoroutineContext, block: Runnable) {
                if (refuses.get()) throw RejectedExecutionException("on purpose")
                Dispatchers.IO.dispatch(context, block)
            }
        }
        val server = serverOf(log, configure = { callDispatcher = dispatcher }) { routing { get("/") { call.respondText("taken") } } }
        serving(server) {
            it.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "taken"
                refuses.set(true)
                peer.send(get("/") + get("/"))
                peer.answer().also { answer -> answer.endsConnection shouldBe true }.status shouldBe 503
                peer.isEnded() shouldBe true
            }
            eventually { reasons.single() shouldContain "callDispatcher" }
            refuses.set(false)
            it.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "taken"
            }
        }
    }

    test("so it is with an executor whose queue is full") {
        val begun = AtomicInteger()
        val release = CountDownLatch(1)
        val executor = ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, ArrayBlockingQueue(1))
        val server = serverOf(configure = { callDispatcher = executor.asCoroutineDispatcher() }) {
            routing {
                get("/blocked") {
                    begun.incrementAndGet()
                    check(release.await(SOON.inWholeSeconds, TimeUnit.SECONDS)) { "nobody has released it" }
                    call.respondText("released")
                }
            }
        }
        serving(server) {
            val peers = List(2) { _ -> it.connect() }
            try {
                peers[0].send(get("/blocked"))
                eventually { begun.get() shouldBe 1 }
                peers[1].send(get("/blocked"))
                eventually { executor.queue.size shouldBe 1 }
                it.connect().use { peer ->
                    peer.send(get("/blocked"))
                    peer.answer().status shouldBe 503
                }
                release.countDown()
                for (peer in peers) peer.answer().text shouldBe "released"
            } finally {
                release.countDown()
                peers.forEach { peer -> peer.close() }
            }
        }
        executor.shutdown()
    }
})
