package io.netpark.core.net.listening

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.result
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.net.SocketException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

class AdmissionSpec : NetparkSpec(body = {
    /** Accepts until the listener is closed. */
    fun acceptAll(listener: BlockingListener): ConcurrentLinkedQueue<BlockingConnection> {
        val accepted = ConcurrentLinkedQueue<BlockingConnection>()
        async {
            try {
                while (true) accepted += listener.accept()
            } catch (_: NetparkException.Closed) {
                // The end of the test.
            }
        }
        return accepted
    }

    fun connect(listener: BlockingListener, from: String = "127.0.0.1") = Socket().apply {
        bind(InetSocketAddress(InetAddress.getByName(from), 0))
        connect(loopback(port = listener.address.port), 10_000)
        soTimeout = 10_000
    }

    /** The reset may come before connect(2) has returned, or after. */
    fun shouldBeRefused(listener: BlockingListener, from: String = "127.0.0.1") {
        shouldThrow<SocketException> {
            connect(listener, from).use { it.getInputStream().read() }
        }.message!! shouldContain "reset"
    }

    for (flavour in Flavour.all) {
        test("$flavour: those in excess are reset at once, reported once an episode, and there is room again when one closes") {
            TestReactor(flavour).use { reactor ->
                val admission = Admission.of(2, Admission.Excess.REFUSE)
                reactor.listen(admission = admission).use { listener ->
                    val accepted = acceptAll(listener)
                    val clients = List(2) { connect(listener) }
                    eventually { accepted shouldHaveSize 2 }
                    repeat(3) { shouldBeRefused(listener) }
                    admission.refused() shouldBe 3
                    admission.open() shouldBe 2
                    val report = reactor.reporter.drain().single() // by the first: those after it have been refused
                    report.what shouldContain "refused"
                    report.cause.message!! shouldContain "limit of 2 connections"
                    accepted.remove().close()
                    connect(listener).use {
                        eventually { accepted shouldHaveSize 2 }
                        shouldBeRefused(listener) // another episode
                        eventually { reactor.reporter.reports shouldHaveSize 1 } // it is told after the reset
                        reactor.reporter.drain()
                    }
                    clients.forEach { it.close() }
                    accepted.forEach { it.close() }
                    eventually { admission.open() shouldBe 0 } // the acceptor may be looking whether somebody is there
                }
            }
        }

        test("$flavour: a flood in excess is refused in portions, others have their turn between, and nobody is forgotten") {
            TestReactor(flavour).use { reactor ->
                val admission = Admission.of(1, Admission.Excess.REFUSE)
                reactor.listen(admission = admission).use { listener ->
                    val clients = List(201) { connect(listener) }
                    val core = listener.listener
                    val portions = ConcurrentLinkedQueue<Long>()
                    val first = CompletableFuture<ConnectionDescriptor>()
                    val others = AtomicInteger()
                    /** As the adapters accept on the listener's loop. */
                    class Accepting : Waiter {
                        private var parked = false
                        override fun run() {
                            val before = admission.refused()
                            while (!core.isClosed) {
                                val accepted = if (parked) core.retryAccept() else core.startAccept()
                                if (accepted != null) first.complete(accepted)
                                parked = accepted == null
                                if (parked && core.park(Direction.READ, this)) break
                            }
                            portions += admission.refused() - before
                            reactor.loop.execute { others.incrementAndGet() }
                        }
                    }
                    reactor.loop.execute(Accepting())
                    eventually { admission.refused() shouldBe 200 }
                    eventually { others.get() shouldBe portions.size }
                    portions.max() shouldBe 16
                    shouldBeRefused(listener)
                    clients.forEach { it.close() }
                    first.get().close()
                    reactor.reporter.drain()
                }
            }
        }

        test("$flavour: those in excess wait in the backlog, the loop does not spin, and each gets in when one closes") {
            val calls = CallCounter(flavour.libc)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                val admission = Admission.of(3, Admission.Excess.WAIT)
                reactor.listen(admission = admission).use { listener ->
                    val accepted = acceptAll(listener)
                    val clients = List(10) { connect(listener) }
                    eventually { accepted shouldHaveSize 3 }
                    calls.awaitQuiet()
                    val waits = calls.waits
                    Thread.sleep(100)
                    (calls.waits - waits).toInt() shouldBeLessThan 4
                    accepted shouldHaveSize 3
                    repeat(7) {
                        accepted.remove().close()
                        eventually { accepted shouldHaveSize 3 }
                        admission.open() shouldBe 3
                    }
                    admission.refused() shouldBe 0
                    clients.forEach { it.close() }
                    accepted.forEach { it.close() }
                    eventually { admission.open() shouldBe 0 }
                }
            }
        }
    }

    test("one address may not take all places, and another still gets one") {
        TestReactor().use { reactor ->
            val admission = Admission.of(10, Admission.Excess.WAIT, 2)
            reactor.listen(loopback("0.0.0.0"), admission = admission).use { listener ->
                val accepted = acceptAll(listener)
                val clients = List(2) { connect(listener, "127.0.0.2") }
                eventually { accepted shouldHaveSize 2 }
                shouldBeRefused(listener, "127.0.0.2")
                val other = connect(listener, "127.0.0.3")
                eventually { accepted shouldHaveSize 3 }
                reactor.reporter.drain().single().cause.message!! shouldContain "2 connections from one address"
                (clients + other).forEach { it.close() }
                accepted.forEach { it.close() }
                eventually { admission.open() shouldBe 0 }
                connect(listener, "127.0.0.2").use { eventually { accepted shouldHaveSize 4 } }
                accepted.forEach { it.close() }
            }
        }
    }

    test("several listeners never take more than the limit between them, while connections come and go") {
        TestReactor(loops = 2).use { reactor ->
            val admission = Admission.of(4, Admission.Excess.WAIT)
            val most = AtomicInteger()
            val served = AtomicInteger()
            val listeners = reactor.listenOnEachLoop(admission)
            listeners.forEach { listener ->
                async {
                    try {
                        while (true) {
                            val connection = listener.accept()
                            async {
                                most.accumulateAndGet(admission.open(), ::maxOf)
                                served.incrementAndGet()
                                connection.close()
                            }
                        }
                    } catch (_: NetparkException.Closed) {
                        // The end of the test.
                    }
                }
            }
            val clients = List(8) {
                async { repeat(50) { connect(listeners[0]).use { socket -> socket.getInputStream().read() } } }
            }
            clients.forEach { it.result() }
            served.get() shouldBe 400
            // A place is also taken by a listener that looks whether somebody is there.
            most.get() shouldBeLessThan 5
            listeners.forEach { it.close() }
            eventually { admission.open() shouldBe 0 }
        }
    }

    test("a listener a loop: all on one port, each accepting on its own loop, and every connection is served") {
        TestReactor(loops = 3).use { reactor ->
            val listeners = reactor.listenOnEachLoop()
            listeners.map { it.address }.distinct() shouldHaveSize 1
            val accepted = listeners.map { acceptAll(it) }
            val clients = List(60) { connect(listeners[0]) }
            eventually { accepted.sumOf { it.size } shouldBe 60 }
            accepted.forEachIndexed { i, connections ->
                connections.forEach { it.connection.loop() shouldBe reactor.group.loops()[i] }
            }
            reactor.group.resize(1) // from here on the balancing of the group places them
            val late = List(20) { connect(listeners[0]) }
            eventually { accepted.sumOf { it.size } shouldBe 80 }
            accepted.flatten().count { !it.connection.loop().isRetiring } shouldBeGreaterThan 19
            (clients + late).forEach { it.close() }
            accepted.forEach { queue -> queue.forEach { it.close() } }
            listeners.forEach { it.close() }
        }
    }

    test("a limit must be positive") {
        shouldThrow<IllegalArgumentException> { Admission.of(0, Admission.Excess.WAIT) }.message!! shouldContain "not 0"
        shouldThrow<IllegalArgumentException> { Admission.perSource(-1) }
        Admission.of(5, Admission.Excess.WAIT, 2).toString() shouldBe "5 connections, 2 connections from one address"
        Admission.perSource(7).toString() shouldBe "7 connections from one address"
    }
})
