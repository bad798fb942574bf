package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.loop.Balancing
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds

/** What ends a serving, what does not, and how long its end may take. */
class ServePolicySpec : NetparkSpec(body = {

    fun within(millis: Long) = Shutdown(finish = millis.milliseconds)

    test("a balancing that throws is reported, costs one connection, and ends nothing") {
        val reporter = RecordingReporter()
        val asked = AtomicInteger()
        val balancing = Balancing { loops, _ -> if (asked.incrementAndGet() == 2) error("no loop is good enough") else loops[0] }
        Reactor(2) { daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE).balancing(balancing) }.use { reactor ->
            Reactor(1) { daemon(true) }.use { clients ->
                runBlocking {
                    val listener = reactor.listenOver("127.0.0.1", 0)
                    val serving = launch { listener.serve { echo(it) } }
                    clients.dialOver(listener.localAddress).use { first ->
                        first.write("a")
                        first.readText(1) shouldBe "a"
                        val unlucky = runCatching { clients.dialOver(listener.localAddress).use { it.readToEnd().size } }
                        unlucky.getOrDefault(0) shouldBe 0
                        clients.dialOver(listener.localAddress).use { third ->
                            third.write("b")
                            third.readText(1) shouldBe "b"
                        }
                        first.write("c")
                        first.readText(1) shouldBe "c"
                    }
                    reporter.drain().single().what shouldContain "failed; trying again"
                    serving.cancelAndJoin()
                }
            }
        }
    }

    test("several may serve a listener with a socket a loop, and end one by one") {
        onReactor(loops = 2) { reactor, _ ->
            reactor.listenOnEachLoopOver(loopback()).use { listener ->
                val servings = List(2) { launch { listener.serve { echo(it) } } }
                soon { listener.servings.size shouldBe 2 }
                List(20) { reactor.dialOver(listener.localAddress) }.forEach { client ->
                    client.use {
                        it.write("x")
                        it.readText(1) shouldBe "x"
                    }
                }
                listener.close()
                servings.joinAll()
                servings.none { it.isCancelled } shouldBe true
            }
        }
    }

    for (onEachLoop in listOf(false, true)) {
        test("serve returns when its reactor is closed, ${if (onEachLoop) "with a socket a loop" else "with one socket"}") {
            repeat(5) {
                val reporter = RecordingReporter()
                val reactor = Reactor(3) { daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }
                Reactor(1) { daemon(true) }.use { clients ->
                    runBlocking {
                        val listener = if (onEachLoop) reactor.listenOnEachLoopOver(loopback()) else reactor.listenOver(loopback())
                        val served = async { listener.serve { echo(it) } }
                        val client = clients.dialOver(listener.localAddress)
                        client.write("x")
                        client.readText(1) shouldBe "x"
                        withContext(Dispatchers.IO) { reactor.close() }
                        served.await()
                        client.close()
                    }
                }
                reporter.shouldBeSilent()
            }
        }
    }

    test("a handler cannot shut down its own listener: it is told so at once, wherever it asks") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val inner = reactor.listenOver("127.0.0.1", 0)
            val told = AtomicInteger()
            suspend fun refused() {
                shouldThrow<IllegalStateException> { listener.shutdown(within(60_000)) }.message shouldContain "launched in the scope"
                told.incrementAndGet()
            }
            val innerServing = CompletableDeferred<Unit>()
            val serving = launch {
                listener.serve { connection ->
                    refused()
                    withContext(Dispatchers.Default + NonCancellable) { refused() }
                    listener.isDraining shouldBe false
                    innerServing.complete(Unit)
                    inner.serve { refused() }
                    connection.write("x")
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                innerServing.await()
                reactor.dialOver(inner.localAddress).use { it.readToEnd().size shouldBe 0 }
                inner.shutdown(within(60_000)) // the other way round it can be done
                client.readText(1) shouldBe "x"
                told.get() shouldBe 3
                listener.shutdown(within(60_000)) // the one that was refused has left no trace
                serving.join()
            }
        }
    }

    test("the times of a shutdown hold whatever handlers do, and what is cut off is closed") {
        onReactor(loops = 2) { reactor, _ ->
            val release = CountDownLatch(1)
            val released = CompletableDeferred<Unit>()
            val listener = reactor.listenOver("127.0.0.1", 0)
            val blocking = reactor.listenOver("127.0.0.1", 0)
            val begun = AtomicInteger()
            val ended = AtomicInteger()
            val serving = launch {
                listener.serve { connection ->
                    val kind = connection.readText(1)
                    begun.incrementAndGet()
                    try {
                        when (kind) {
                            "n" -> withContext(NonCancellable) { released.await() }
                            "f" -> awaitCancellation()
                            else -> release.await() // holds its loop
                        }
                    } finally {
                        ended.incrementAndGet()
                    }
                }
            }
            val servingBlocked = launch { blocking.serve(dispatcher = Dispatchers.IO) { begun.incrementAndGet(); release.await() } }
            try {
                Reactor(1) { daemon(true) }.use { others ->
                    val clients = mutableListOf(others.dialOver(blocking.localAddress))
                    for (kind in "nfb") { // the one that holds its loop comes last: it may be the loop that accepts
                        soon { begun.get() shouldBe clients.size }
                        clients += others.dialOver(listener.localAddress).apply { write("$kind") }
                    }
                    soon { begun.get() shouldBe 4 }
                    listener.shutdown(within(10)) shouldBe Shutdown.Report(0, 0, 0, 3)
                    blocking.shutdown(within(10)) shouldBe Shutdown.Report(0, 0, 0, 1)
                    serving.isCompleted shouldBe false
                    servingBlocked.isCompleted shouldBe false
                    clients.forEach { it.readToEnd().size shouldBe 0 }
                    clients.forEach { it.close() }
                }
            } finally {
                release.countDown()
                released.complete(Unit)
            }
            serving.join()
            servingBlocked.join()
            ended.get() shouldBe 3
        }
    }

    test("a shutdown of a server whose handlers end in different ways counts each once") {
        onReactor(loops = 2) { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val begun = AtomicInteger()
            val serving = launch {
                listener.serve { connection ->
                    val kind = connection.readText(1)
                    begun.incrementAndGet()
                    when (kind) {
                        "i" -> connection.awaitRequest()
                        "I" -> { // is told, and does not leave
                            connection.awaitRequest()
                            awaitCancellation()
                        }
                        "f" -> connection.readText(1)
                        else -> awaitCancellation()
                    }
                }
            }
            val clients = "iiiIffc".map { kind -> reactor.dialOver(listener.localAddress).apply { write("$kind") } }
            soon { begun.get() shouldBe clients.size }
            reactor.awaitParked(6 + 1) // all but the last, and the listener
            val report = async { listener.shutdown(within(2000)) }
            soon { listener.isOpen shouldBe false }
            clients[4].write("x")
            clients[5].write("x")
            report.await() shouldBe Shutdown.Report(3, 2, 0, 2)
            serving.join()
            clients.forEach { it.close() }
        }
    }

    test("for ever is for ever: times that nobody can wait for hold as those that one can") {
        val forever = java.time.Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)
        onReactor { reactor, _ ->
            for (phases in listOf(Shutdown.within(forever), Shutdown.within(forever).flushing(forever))) {
                val listener = reactor.listenOver("127.0.0.1", 0)
                val serving = launch { listener.serve(drain = kotlin.time.Duration.INFINITE) { echo(it) } }
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write("x")
                    client.readText(1) shouldBe "x"
                    val report = async { listener.shutdown(phases) }
                    soon { listener.isOpen shouldBe false }
                    delay(5.milliseconds)
                    client.write("y")
                    client.readText(1) shouldBe "y"
                    client.shutdownOutput()
                    client.readToEnd().size shouldBe 0
                    report.await() shouldBe Shutdown.Report(0, 1, 0, 0)
                }
                serving.join()
            }
        }
    }

    test("a second shutdown in more of a hurry ends the first, in whichever phase that is") {
        val hour = kotlin.time.Duration.parse("1h")
        onReactor { reactor, _ ->
            for (first in listOf(within(0).announcing(hour), Shutdown(finish = hour), within(0).flushing(hour))) {
                val listener = reactor.listenOver("127.0.0.1", 0)
                val serving = launch { listener.serve { awaitCancellation() } }
                reactor.dialOver(listener.localAddress).use { client ->
                    soon { listener.servings.single().count() shouldBe 1 }
                    val reports = List(2) { async { listener.shutdown(first) } }
                    soon { listener.isDraining shouldBe true }
                    launch { listener.shutdown(first) }.cancelAndJoin() // who does not wait any more ends nothing
                    serving.isCompleted shouldBe false
                    listener.shutdown(within(1)) shouldBe Shutdown.Report(0, 0, 0, 1)
                    reports.forEach { it.await() shouldBe Shutdown.Report(0, 0, 0, 1) }
                    client.readToEnd().size shouldBe 0
                }
                serving.join()
            }
        }
    }

    plainTest("an interrupt flag that a handler leaves behind does not reach the next one on its loop") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val clients = List(20) { reactor.dialOver(listener.localAddress) } // accepted in one turn
            val found = AtomicInteger()
            val serving = launch {
                listener.serve {
                    if (Thread.interrupted()) found.incrementAndGet()
                    Thread.currentThread().interrupt()
                }
            }
            clients.forEach { it.readToEnd().size shouldBe 0; it.close() }
            found.get() shouldBe 0
            serving.cancelAndJoin()
        }
    }

    test("a dispatcher that is closed costs the connections that were to be served on it, and not the serving") {
        onReactor { reactor, reporter ->
            val executor = Executors.newSingleThreadExecutor()
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve(dispatcher = executor.asCoroutineDispatcher()) { echo(it) } }
            reactor.dialOver(listener.localAddress).use { it.write("x"); it.readText(1) shouldBe "x" }
            soon { listener.servings.single().count() shouldBe 0 } // one that is resumed later would be rejected as well
            executor.shutdown()
            repeat(3) {
                val unlucky = runCatching { reactor.dialOver(listener.localAddress).use { it.readToEnd().size } }
                unlucky.getOrElse { if (reactor.wire == Wire.PLAIN) throw it else 0 } shouldBe 0
            }
            soon { reporter.reports.size shouldBe 3 }
            reporter.drain().map { it.cause::class } shouldBe List(3) { RejectedExecutionException::class }
            serving.isCompleted shouldBe false
            listener.shutdown(within(10)).cut() shouldBe 0
            serving.join()
            reporter.drain()
        }
    }
})
