package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.eventually
import kotlinx.coroutines.CompletableDeferred
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds

/** How many calls of one connection there are at a time. */
class PipelinedCallsSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    for (most in listOf(1, 3, 32)) {
        test("no more than $most calls of one connection are begun before the first is over") {
            val begun = AtomicInteger()
            val running = AtomicInteger()
            val mostRunning = AtomicInteger()
            val gates = List(40) { CompletableDeferred<Unit>() }
            val server = serverOf(configure = { maxPipelinedCalls = most; eventLoops = 1 }) {
                routing {
                    get("/{id}") {
                        val id = call.parameters["id"]!!.toInt()
                        begun.incrementAndGet()
                        mostRunning.accumulateAndGet(running.incrementAndGet(), ::maxOf)
                        gates[id].await()
                        running.decrementAndGet()
                        call.respondText("$id")
                    }
                    get("/other") { call.respondText("other") }
                }
            }
            serving(server) {
                it.connect().use { peer ->
                    peer.send(gates.indices.joinToString("") { id -> get("/$id") })
                    eventually { begun.get() shouldBe most }
                    it.connect().use { other -> // the loop has turned, and has begun no more
                        other.send(get("/other"))
                        other.answer().text shouldBe "other"
                    }
                    begun.get() shouldBe most
                    for ((id, gate) in gates.withIndex()) {
                        gate.complete(Unit)
                        peer.answer().text shouldBe "$id"
                    }
                }
            }
            mostRunning.get() shouldBe most
        }
    }
})
