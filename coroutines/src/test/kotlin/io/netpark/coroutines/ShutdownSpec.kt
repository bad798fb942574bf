package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.coroutines.serving.SuspendingEnding
import java.util.concurrent.CountDownLatch
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.withTimeout
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toKotlinDuration

class ShutdownSpec : NetparkSpec(body = {
    val long = Shutdown(finish = 60.seconds)
    val busy = AtomicInteger()
    val go = Semaphore(1, acquiredPermits = 1)

    /** Answers requests of a byte with itself; to `s` when it may go on. */
    suspend fun answer(connection: Connection) {
        while (connection.awaitRequest()) {
            val request = connection.reader.takeByte()
            if (request == 's'.code.toByte()) {
                busy.incrementAndGet()
                go.acquire()
                busy.decrementAndGet()
            }
            connection.writer.putByte(request.toInt())
            connection.writer.flush()
        }
    }

    /** As eventually, for those who run on the waiting thread. */
    suspend fun soon(condition: () -> Boolean) = withTimeout(20.seconds) {
        while (!condition()) delay(1.milliseconds)
    }

    test("a call of serve that returns in the midst of the shutdown, as it has no handlers, does not disturb that") {
        /** Somebody removes what is in it whenever somebody has asked how many they are. */
        class Leaving(private val all: MutableSet<Serving> = ConcurrentHashMap.newKeySet()) : AbstractMutableSet<Serving>() {
            override val size: Int get() = all.size.also { all.clear() }
            override fun iterator() = all.iterator()
            override fun add(element: Serving) = all.add(element)
        }
        Reactor(1) { daemon(true) }.use { reactor ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val servings = Servings(Leaving(), listener::close)
                servings.add(Serving(listener, reactor, EmptyCoroutineContext, null, Service({ EmptyCoroutineContext }, null) { }))
                SuspendingEnding(servings, servings::join).run(long).cut shouldBe 0
            }
        }
    }

    for (flavour in Flavour.all) {
        test("$flavour: idle handlers are told at once, and busy ones finish first") {
            onReactor(flavour, loops = 2) { reactor ->
                val listener = reactor.listenOver("127.0.0.1", 0)
                val serving = launch { listener.serve { answer(it) } }
                val idle = List(6) { reactor.dialOver(listener.localAddress) }
                idle.forEach { it.write("x"); it.readText(1) shouldBe "x" }
                val slow = reactor.dialOver(listener.localAddress)
                slow.write("s")
                soon { busy.get() == 1 }
                reactor.awaitParked(6 + 1)
                listener.isDraining shouldBe false
                val report = async { listener.shutdown(long) }
                idle.forEach { it.readToEnd().size shouldBe 0 }
                listener.isDraining shouldBe true
                go.release()
                slow.readText(1) shouldBe "s"
                slow.readToEnd().size shouldBe 0
                report.await() shouldBe Shutdown.Report(6, 1, 0, 0)
                serving.join()
                (idle + slow).forEach { it.close() }
            }
        }
    }

    test("a handler that asks again after it was told that there is no request counts once") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                listener.serve {
                    answer(it)
                    it.awaitRequest() shouldBe false
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                client.write("x")
                client.readText(1) shouldBe "x"
                reactor.awaitParked(1 + 1)
                listener.shutdown(long) shouldBe Shutdown.Report(1, 0, 0, 0)
                serving.join()
            }
        }
    }

    test("a handler that was at work when accepting stopped has finished, however it ends in its time; it is idle only if it was waiting") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val go = CompletableDeferred<Unit>()
            val begun = AtomicInteger()
            val serving = launch {
                listener.serve { connection ->
                    check(connection.awaitRequest())
                    val kind = connection.reader.takeByte().toInt().toChar()
                    begun.incrementAndGet()
                    when (kind) {
                        'i' -> connection.awaitRequest() shouldBe false
                        'r' -> go.await() // and returns
                        'a' -> { // asks for another one
                            go.await()
                            connection.awaitRequest() shouldBe false
                        }
                        't' -> { // is given another one first, and asks several times after that
                            check(connection.awaitRequest())
                            connection.reader.takeByte()
                            go.await()
                            repeat(2) { connection.awaitRequest() shouldBe false }
                        }
                        'f' -> { // fails
                            go.await()
                            throw CancellationException("enough")
                        }
                        else -> awaitCancellation()
                    }
                }
            }
            val clients = "iratfc".map { kind -> reactor.dialOver(listener.localAddress).apply { write("$kind") } }
            soon { begun.get() == clients.size }
            reactor.awaitParked(2 + 1) // i, t, and the listener
            clients[3].write("x")
            reactor.awaitParked(1 + 1) // t has it
            val report = async { listener.shutdown(Shutdown(finish = 2.seconds)) }
            clients[0].readToEnd().size shouldBe 0
            go.complete(Unit)
            report.await() shouldBe Shutdown.Report(1, 4, 0, 1)
            serving.join()
            clients.forEach { it.close() }
        }
    }

    test("a connection that no serve handles is never draining, and waits for a request as for any byte") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                server.isDraining shouldBe false
                server.dispatcher shouldBe reactor.loopDispatchers.single()
                client.write("x")
                server.awaitRequest() shouldBe true
                server.reader.takeByte() shouldBe 'x'.code.toByte()
                client.shutdownOutput()
                server.awaitRequest() shouldBe false
            }
        }
    }

    test("a request that has arrived is answered though its handler seemed idle") {
        onReactor { reactor, _ ->
            repeat(20) {
                val listener = reactor.listenOver("127.0.0.1", 0)
                val serving = launch { listener.serve { answer(it) } }
                val clients = List(10) { reactor.dialOver(listener.localAddress) }
                clients.forEach { it.write("x"); it.readText(1) }
                val gate = CountDownLatch(1)
                reactor.group.first().execute { gate.await() } // the loop learns of nothing meanwhile
                val report = try {
                    clients.forEach { it.write("y") }
                    soon { clients.all { it.tcpInfo().unacknowledged() == 0 } } // in the sockets
                    async { listener.shutdown(long) }.also { soon { !listener.isOpen } }
                } finally {
                    gate.countDown()
                }
                clients.forEach { client ->
                    client.readText(1) shouldBe "y"
                    client.readToEnd().size shouldBe 0
                    client.close()
                }
                report.await().cut() shouldBe 0
                serving.join()
            }
        }
    }

    test("all the time there is, in every phase that has begun, is waited for") {
        val forever = java.time.Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { answer(it) } }
            val slow = reactor.dialOver(listener.localAddress)
            slow.readTimeout = forever.toKotlinDuration()
            slow.write("s")
            soon { busy.get() == 1 }
            val report = async { listener.shutdown(Shutdown.within(forever).flushing(forever)) }
            soon { !listener.isOpen }
            go.release()
            slow.readText(1) shouldBe "s"
            slow.readToEnd().size shouldBe 0
            report.await() shouldBe Shutdown.Report(0, 1, 0, 0)
            serving.join()
            slow.close()
        }
    }

    test("handlers that do not return in time are cancelled, and counted") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { awaitCancellation() } }
            val clients = List(3) { reactor.dialOver(listener.localAddress) }
            soon { reactor.group.first().descriptors() == 7 && listener.servings.singleOrNull()?.count() == 3 }
            listener.shutdown(Shutdown(finish = 50.milliseconds)) shouldBe Shutdown.Report(0, 0, 0, 3)
            clients.forEach { it.readToEnd().size shouldBe 0; it.close() }
            serving.join()
        }
    }

    test("every call waits and hears the same, and accepting goes on while the end is announced") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { answer(it) } }
            val phases = long.announcing(2000.milliseconds)
            val reports = List(3) { async { listener.shutdown(phases) } }
            soon { listener.isDraining }
            reactor.dialOver(listener.localAddress).use { late ->
                late.write("x")
                late.readText(1) shouldBe "x"
                reports.forEach { it.await() shouldBe Shutdown.Report(1, 0, 0, 0) }
            }
            serving.join()
        }
    }

    test("cancelling a shutdown cuts at once") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch { listener.serve { awaitCancellation() } }
            reactor.dialOver(listener.localAddress).use { client ->
                soon { reactor.group.first().descriptors() == 3 }
                val shutdown = launch { listener.shutdown(long) }
                soon { listener.isDraining }
                shutdown.cancelAndJoin()
                client.readToEnd().size shouldBe 0
                serving.join()
            }
        }
    }

    test("a listener with a socket a loop serves on all of them, and leaves accept to others") {
        onReactor(loops = 3) { reactor, _ ->
            val listener = reactor.listenOnEachLoopOver(loopback())
            val loops = ConcurrentHashMap.newKeySet<String>()
            val serving = launch {
                listener.serve {
                    loops += Thread.currentThread().name
                    answer(it)
                }
            }
            shouldThrow<UnsupportedOperationException> { listener.accept() }.message!! shouldContain "use serve"
            val clients = List(60) { reactor.dialOver(listener.localAddress) }
            clients.forEach { it.write("x"); it.readText(1) shouldBe "x" }
            loops shouldHaveSize 3
            reactor.awaitParked(60 + 3)
            listener.shutdown(long) shouldBe Shutdown.Report(60, 0, 0, 0)
            serving.join()
            clients.forEach { it.close() }
        }
    }

    test("a server takes no more than its admission lets in, and refuses the others") {
        onReactor { reactor, reporter ->
            val admission = Admission.of(2, Admission.Excess.REFUSE)
            val listener = reactor.listenOver("127.0.0.1", 0, admission = admission)
            val serving = launch { listener.serve { answer(it) } }
            val clients = List(2) { reactor.dialOver(listener.localAddress) }
            clients.forEach { it.write("x"); it.readText(1) }
            shouldThrow<NetparkException.Reset> { reactor.dialOver(listener.localAddress).use { it.readText(1) } }
            soon { reporter.reports.size == 1 } // after the reset
            reporter.drain()
            clients.first().close()
            eventually { admission.open() shouldBe 1 }
            reactor.dialOver(listener.localAddress).use { it.write("y"); it.readText(1) shouldBe "y" }
            clients.last().close()
            serving.cancelAndJoin()
        }
    }

    test("growing and shrinking under load loses and doubles no byte, and the loops too many end") {
        onReactor(loops = 2) { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val loops = ConcurrentHashMap.newKeySet<Int>()
            val serving = launch {
                listener.serve {
                    loops += Thread.currentThread().name.substringAfterLast('-').toInt()
                    echo(it)
                }
            }
            Reactor(1) { daemon(true) }.use { clients ->
                val exchanged = AtomicInteger()
                val working = List(20) { client ->
                    async {
                        repeat(15) { round ->
                            clients.dialOver(listener.localAddress).use { connection ->
                                val bytes = pattern(20_000, client * 100 + round)
                                val sending = launch { connection.write(bytes); connection.shutdownOutput() }
                                connection.readToEnd().contentEquals(bytes) shouldBe true
                                sending.join()
                                exchanged.incrementAndGet()
                            }
                        }
                    }
                }
                val resizing = launch {
                    for (size in generateSequence { listOf(4, 1, 3, 2) }.flatten()) {
                        reactor.group.resize(size)
                        delay(10)
                    }
                }
                working.forEach { it.await() }
                resizing.cancelAndJoin()
                exchanged.get() shouldBe 300
                loops.max() shouldBeGreaterThanOrEqual 2 // those from 2 on have grown
                reactor.group.resize(1)
                eventually { reactor.group.retiring() shouldHaveSize 0 }
            }
            serving.cancelAndJoin()
        }
    }
})
