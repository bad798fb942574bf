package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.parking.HandlerSensor
import io.netpark.coroutines.transfer.copyTo
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** What a handler does with its own job, and what that may not do to the way in which it feels its cancellation. */
class SensorSpec : NetparkSpec(body = {

    /** Serves one client by [handler], cancels the serving when the handler says so, and expects all to end. */
    fun cancelledWhileReading(handler: suspend CoroutineScope.(Connection) -> Unit) = onReactor { reactor, _ ->
        val reading = CompletableDeferred<Unit>()
        val listener = reactor.listen("127.0.0.1", 0)
        val serving = launch {
            listener.serve { connection ->
                handler(connection)
                reading.complete(Unit)
                connection.read(ByteArray(1))
            }
        }
        reactor.dial(listener.localAddress).use { client ->
            client.write("x")
            reading.await()
            serving.cancelAndJoin()
            client.readToEnd().size shouldBe 0
        }
    }

    test("a handler that has cancelled its children is cancelled like any other") {
        cancelledWhileReading { connection ->
            currentCoroutineContext().cancelChildren()
            connection.readText(1)
            currentCoroutineContext().job.cancelChildren()
        }
    }

    test("a handler has no children but its own, in its scope as in its context, and may join them all") {
        cancelledWhileReading { connection ->
            currentCoroutineContext().job shouldBe coroutineContext.job
            coroutineContext.job.children.count() shouldBe 0
            connection.readText(1)
            coroutineContext.job.children.count() shouldBe 0
            coroutineScope { launch { } }
            val mine = launch { delay(1) }
            coroutineContext.job.children.toList() shouldBe listOf(mine)
            coroutineContext.job.children.forEach { it.join() }
        }
    }

    test("a handler that has cancelled all coroutines of its scope goes on, and ends as ever") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        launch { awaitCancellation() }
                        coroutineContext.cancelChildren()
                        coroutineContext.job.children.forEach { it.join() }
                        connection.write(connection.readText(1))
                    }
                }
                reactor.dial(listener.localAddress).use { client ->
                    client.write("x")
                    String(client.readToEnd()) shouldBe "x"
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a parked handler feels the cancellation of its own job, by a sibling or by a child that fails") {
        onReactor { reactor, reporter ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val own = CompletableDeferred<Job>()
                val serving = launch {
                    listener.serve { connection ->
                        if (connection.readText(1) == "c") {
                            own.complete(currentCoroutineContext().job)
                            connection.read(ByteArray(1))
                        } else {
                            coroutineScope {
                                launch { error("a child failed") }
                                connection.read(ByteArray(1))
                            }
                        }
                    }
                }
                reactor.dial(listener.localAddress).use { client ->
                    client.write("c")
                    own.await().cancel()
                    client.readToEnd().size shouldBe 0
                }
                reactor.dial(listener.localAddress).use { client ->
                    client.write("f")
                    client.read(ByteArray(1)) // an end or, where a failure is passed on so, a reset
                }
                soon { reporter.drain().single().cause.message shouldBe "a child failed" }
                serving.cancelAndJoin()
            }
        }
    }

    test("a copy in a coroutine that has cancelled its children, and was cancelled before, ends") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val copying = launch {
                    launch { awaitCancellation() }
                    coroutineContext.cancelChildren()
                    server.copyTo(server)
                }
                client.write("x")
                client.readText(1) shouldBe "x"
                copying.cancelAndJoin()
                launch {
                    coroutineContext.cancel()
                    withContext(NonCancellable) { client.write("y") }
                }.join()
                server.readText(1) shouldBe "y"
            }
        }
    }

    test("a sensor is told once, at once when it is late, and not at all after its end") {
        var told = 0
        val job = Job()
        val sensor = HandlerSensor(job) { told++ }
        val ended = HandlerSensor(job) { told += 100 }
        ended.dispose()
        job.children.count() shouldBe 0
        job.cancel()
        told shouldBe 1
        sensor.dispose()
        HandlerSensor(job) { told++ }.dispose()
        told shouldBe 2
        val whole = Job()
        val unused = HandlerSensor(whole) { told++ }
        unused.dispose()
        whole.complete() shouldBe true
        whole.isCompleted shouldBe true
        told shouldBe 2
    }
})
