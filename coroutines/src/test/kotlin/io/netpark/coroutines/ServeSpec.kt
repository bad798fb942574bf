package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.openDescriptors
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asContextElement
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds

class ServeSpec : NetparkSpec(body = {

    test("handlers run on their connection's loop, and loops take turns") {
        onReactor(loops = 2) { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val threads = ConcurrentLinkedQueue<String>()
                val serving = launch {
                    listener.serve { connection ->
                        val before = Thread.currentThread().name
                        connection.readText(1)
                        Thread.currentThread().name shouldBe before
                        threads += before
                        connection.write("k")
                    }
                }
                Reactor(1) { daemon(true) }.use { clients -> // dialing takes turns as well
                    repeat(10) { clients.dialOver(listener.localAddress).use { it.write("x"); it.readText(1) } }
                }
                serving.cancelAndJoin()
                threads.groupingBy { it.substringAfter("loop-") }.eachCount() shouldBe mapOf("0" to 5, "1" to 5)
            }
        }
    }

    test("handlers run on another dispatcher if one is given, and in the caller's context") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val seen = CompletableDeferred<Pair<String, String?>>()
                val serving = launch(CoroutineName("service")) {
                    listener.serve(dispatcher = Dispatchers.Default) { connection ->
                        connection.readText(1)
                        seen.complete(Thread.currentThread().name to currentCoroutineContext()[CoroutineName]?.name)
                    }
                }
                reactor.dialOver(listener.localAddress).use { it.write("x"); it.readToEnd() }
                seen.await().first shouldContain "DefaultDispatcher"
                seen.await().second shouldBe "service"
                serving.cancelAndJoin()
            }
        }
    }

    test("a thread-local of the caller's context is restored whenever a handler is resumed") {
        val local = ThreadLocal<String>()
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val seen = ConcurrentLinkedQueue<String?>()
                val serving = launch(local.asContextElement("mine")) {
                    listener.serve { connection ->
                        repeat(3) {
                            connection.readText(1)
                            seen += local.get()
                            connection.write("k")
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    repeat(3) { client.write("x"); client.readText(1) }
                }
                serving.cancelAndJoin()
                seen.toList() shouldBe listOf("mine", "mine", "mine")
            }
        }
    }

    test("a handler that throws closes its connection, is reported once, and disturbs nobody else") {
        onReactor { reactor, reporter ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        when (connection.readText(1)) {
                            "e" -> error("handler failed")
                            "E" -> throw StackOverflowError("an Error of user code")
                            else -> echo(connection)
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).use { healthy ->
                    healthy.write("ok")
                    for (kind in listOf("e", "E")) {
                        reactor.dialOver(listener.localAddress).use { client ->
                            client.write(kind)
                            client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                        }
                        eventually { reporter.reports shouldHaveSize 1 }
                        reporter.drain().single().what shouldContain Regex("handler of connection .* failed")
                    }
                    healthy.readText(1) shouldBe "k"
                    healthy.write("still")
                    healthy.readText(5) shouldBe "still"
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a failure goes to the caller's exception handler if it has one") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val failure = CompletableDeferred<Throwable>()
                val serving = launch(CoroutineExceptionHandler { _, e -> failure.complete(e) }) {
                    listener.serve {
                        it.readText(1) // a reset before that could be the dial's failure
                        error("mine")
                    }
                }
                reactor.dialOver(listener.localAddress).use {
                    it.write("x")
                    failure.await().message shouldBe "mine"
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a peer that resets ends its handler and is no news") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val handlers = AtomicInteger()
                val serving = launch {
                    listener.serve { connection ->
                        handlers.incrementAndGet()
                        try {
                            echo(connection)
                        } finally {
                            handlers.decrementAndGet()
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).let { client ->
                    client.write("x")
                    client.readText(1)
                    client.reset()
                }
                while (handlers.get() > 0) delay(1)
                serving.cancelAndJoin()
            }
        }
    }

    test("cancelling serve closes the listener, cancels the handlers and returns when they are gone") {
        onReactor(loops = 2) { reactor, _ ->
            val before = openDescriptors()
            val listener = reactor.listenOver("127.0.0.1", 0)
            val running = AtomicInteger()
            val serving = launch {
                listener.serve { connection ->
                    running.incrementAndGet()
                    try {
                        connection.read(ByteArray(1))
                    } finally {
                        withContext(kotlinx.coroutines.NonCancellable) { delay(20) }
                        running.decrementAndGet()
                    }
                }
            }
            val clients = List(20) { reactor.dialOver(listener.localAddress) }
            while (running.get() < 20) delay(1)
            serving.cancelAndJoin()
            running.get() shouldBe 0
            listener.isOpen shouldBe false
            shouldThrow<NetparkException.Refused> { reactor.dialOver(listener.localAddress) }
            clients.forEach {
                it.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                it.close()
            }
            soon { openDescriptors() shouldBe before }
        }
    }

    test("with a drain time handlers may finish; those that do not are cancelled when it is over") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val running = AtomicInteger()
            val serving = launch {
                listener.serve(drain = 2.seconds) { connection ->
                    val quick = connection.readText(1) == "q"
                    running.incrementAndGet()
                    if (quick) connection.write(connection.readText(4)) else awaitCancellation()
                }
            }
            val quick = reactor.dialOver(listener.localAddress).apply { write("q") }
            val stuck = reactor.dialOver(listener.localAddress).apply { write("s") }
            soon { running.get() shouldBe 2 }
            serving.cancel()
            soon { listener.isOpen shouldBe false }
            quick.write("last")
            quick.readText(4) shouldBe "last"
            serving.isCompleted shouldBe false
            serving.join()
            stuck.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
            quick.close()
            stuck.close()
        }
    }

    test("cancelled with a drain time, serve tells idle handlers at once, and those at work when they ask") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val busy = CompletableDeferred<Unit>()
            val go = CompletableDeferred<Unit>()
            val serving = launch {
                listener.serve(drain = 60.seconds) { connection ->
                    while (connection.awaitRequest()) {
                        val request = connection.reader.takeByte().toInt()
                        connection.isDraining shouldBe false
                        if (request == 'w'.code) {
                            busy.complete(Unit)
                            go.await()
                            connection.isDraining shouldBe true
                        }
                        connection.writer.putByte(request)
                        connection.writer.flush()
                    }
                }
            }
            val idle = reactor.dialOver(listener.localAddress).apply { write("i") }
            idle.readText(1) shouldBe "i"
            val working = reactor.dialOver(listener.localAddress).apply { write("w") }
            busy.await()
            reactor.awaitParked(1 + 1)
            serving.cancel()
            idle.readToEnd().size shouldBe 0
            serving.isCompleted shouldBe false
            go.complete(Unit)
            String(working.readToEnd()) shouldBe "w"
            serving.join()
            idle.close()
            working.close()
        }
    }

    test("closing the listener lets serve return once the handlers have finished") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { echo(it) } }
            val client = reactor.dialOver(listener.localAddress)
            client.write("x")
            client.readText(1)
            listener.close()
            delay(20)
            serving.isCompleted shouldBe false
            client.close()
            serving.join()
            serving.isCancelled shouldBe false
        }
    }

    test("a connection stays open until the coroutines that its handler has started are done") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        coroutineScope {
                            launch { delay(30); connection.write("from a child") }
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).use { String(it.readToEnd()) shouldBe "from a child" }
                serving.cancelAndJoin()
            }
        }
    }

    test("a handler may use other dispatchers and other coroutines on its own connection") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        val first = withContext(Dispatchers.IO) { connection.readText(1) }
                        val second = kotlinx.coroutines.withTimeout(5.seconds) { connection.readText(1) }
                        val third = connection.readText(1)
                        coroutineScope { launch { connection.write(first + second + third) } }
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    for (part in listOf("a", "b", "c")) {
                        client.write(part)
                        delay(5)
                    }
                    String(client.readToEnd()) shouldBe "abc"
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("S7: closing the reactor ends serve, handlers, reads, accepts and dials, and its threads") {
        val reporter = io.netpark.core.testing.RecordingReporter()
        val reactor = Reactor(2) { daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }
        kotlinx.coroutines.runBlocking {
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { echo(it) } }
            val clients = List(5) { reactor.dialOver(listener.localAddress) }
            val reads = clients.map {
                launch {
                    try { // the loop of the other end may have closed that first
                        it.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                    } catch (_: NetparkException.Closed) {
                    }
                }
            }
            val other = reactor.listenOver("127.0.0.1", 0)
            val accepting = launch { shouldThrow<NetparkException.Closed> { other.accept() } }
            soon { listener.servings.single().count() shouldBe 5 } // one that waits to be accepted would be reset
            delay(30)
            withContext(Dispatchers.IO) { reactor.close() }
            (reads + serving + accepting).forEach { it.join() }
            shouldThrow<NetparkException.Closed> { reactor.listenOver("127.0.0.1", 0) }
        }
        reactor.group.loops().all { it.isTerminated } shouldBe true
        reporter.shouldBeSilent()
    }
})
