package io.netpark.core.net.dialing

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.counting.Counters
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.report.DialFault
import io.netpark.core.sys.Due
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.BlackHole
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Outcome
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.await
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptors
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.LongAdder
import kotlin.time.Duration.Companion.milliseconds

private fun millis(count: Long) = Duration.ofMillis(count)

private val LONG = Duration.ofSeconds(60)

private fun names(vararg addresses: String) = Resolver { host ->
    CompletableFuture.completedFuture(addresses.map { InetAddress.getByName(it) })
}

private inline fun elapsedMillis(body: () -> Unit): Long {
    val start = System.nanoTime()
    body()
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)
}

/** A listener on several addresses of one port. */
private fun TestReactor.listenOn(vararg hosts: String): Pair<Int, List<AutoCloseable>> {
    while (true) {
        val first = listen(loopback(hosts[0]))
        val all = mutableListOf<AutoCloseable>(first)
        try {
            hosts.drop(1).forEach { all += listen(loopback(it, first.address.port)) }
            return first.address.port to all
        } catch (_: NetparkException) {
            all.forEach { it.close() } // the port is in use on one of them
        }
    }
}

/** Names, addresses, Happy Eyeballs, timeouts and cancellation, over every binding and poller. */
class DialerSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun reactor(name: String, body: TestReactor.(Dialer) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { it.body(Dialer.of(it.group)) } }

            for (host in listOf("127.0.0.1", "::1", "[::1]")) {
                reactor("the literal $host is not looked up") { dialer ->
                    listen(loopback(host)).use { listener ->
                        val refusing = dialer.withResolver { error("asked for $it") }
                        refusing.await(host, listener.address.port).use { client ->
                            listener.accept().use { client.remoteAddress() shouldBe listener.address }
                        }
                    }
                }
            }

            reactor("what only looks like a literal is looked up") { dialer ->
                for (name in listOf("127.1", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", ".1.2.3", "a.b")) {
                    val asked = mutableListOf<String>()
                    val recording = dialer.withResolver { asked += it; CompletableFuture.completedFuture(listOf()) }
                    shouldThrow<NetparkException.UnknownHost> { recording.await(name, 1) }
                    asked shouldBe listOf(name)
                }
            }

            reactor("an address that refuses gives way to the next at once") { dialer ->
                val (port, listeners) = listenOn("127.0.0.3")
                val patient = dialer.withResolver(names("127.0.0.1", "127.0.0.2", "127.0.0.3")).withAttemptDelay(LONG)
                patient.await("several", port).use {
                    (it.remoteAddress() as InetSocketAddress).address.hostAddress shouldBe "127.0.0.3"
                }
                listeners.forEach { it.close() }
            }

            reactor("an address that does not answer gives way after the delay, and is closed when another wins") { dialer ->
                BlackHole("127.0.0.1").use { hole ->
                    listen(loopback("127.0.0.2", hole.address.port)).use { listener ->
                        val before = openDescriptors()
                        val dual = dialer.withResolver(names("127.0.0.1", "127.0.0.2")).withAttemptDelay(millis(50))
                        val elapsed = elapsedMillis {
                            dual.await("several", hole.address.port).use {
                                it.remoteAddress() shouldBe listener.address
                                listener.accept().close()
                            }
                        }
                        elapsed shouldBeGreaterThanOrEqual 50
                        eventually { openDescriptors() shouldBe before }
                    }
                }
            }

            reactor("families take turns, beginning with the resolver's first, and the error names each address") { dialer ->
                HeldPort("::").use { held -> // of both families
                    val port = held.port
                    for ((given, order) in listOf(
                        listOf("::1", "::1", "127.0.0.1", "127.0.0.2") to listOf("[::1]", "127.0.0.1", "[::1]", "127.0.0.2"),
                        listOf("127.0.0.1", "127.0.0.2", "::1") to listOf("127.0.0.1", "[::1]", "127.0.0.2"),
                    )) {
                        val failure = shouldThrow<NetparkException.Refused> {
                            dialer.withResolver(names(*given.toTypedArray())).await("several", port)
                        }
                        failure.message!! shouldContain "connect to several:$port: none of ${given.size} addresses"
                        failure.message!!.substringAfter("to: ").split(" | ").map { it.substringBefore(":$port:") } shouldBe order
                        failure.message!! shouldContain "ECONNREFUSED"
                        failure.suppressed.toList() shouldHaveSize given.size
                    }
                }
            }

            reactor("no address answers: the timeout names each, and nothing is left open") { dialer ->
                BlackHole("127.0.0.1").use { hole ->
                    val before = openDescriptors()
                    val elapsed = elapsedMillis {
                        val failure = shouldThrow<NetparkException.TimedOut> {
                            dialer.withResolver(names("127.0.0.1", "127.0.0.2")).withAttemptDelay(millis(50))
                                .withTimeout(millis(1500)).await("several", hole.address.port)
                        }
                        failure.timeout() shouldBe NetparkException.Timeout.CONNECT
                        failure.message!! shouldContain "within 1500 ms"
                        failure.message!! shouldContain "127.0.0.1:${hole.address.port}: no answer"
                        failure.message!! shouldContain "127.0.0.2:${hole.address.port}: ECONNREFUSED"
                    }
                    elapsed shouldBeGreaterThanOrEqual 1500
                    eventually { openDescriptors() shouldBe before }
                }
            }

            for (host in listOf("127.0.0.1", "::1")) {
                reactor("a single address that does not answer, $host, is given up after the timeout") { dialer ->
                    BlackHole(host).use { hole ->
                        val message = shouldThrow<NetparkException.TimedOut> {
                            dialer.withTimeout(millis(100)).await(hole.address)
                        }.message!!
                        message shouldContain ":${hole.address.port}: no connection within 100 ms"
                        message shouldContain if (host == "::1") "[::1]" else host
                    }
                }
            }

            for (limit in listOf(millis(0), millis(-1))) {
                reactor("with a time limit of $limit a dial waits for nothing, and connects what can be connected at once") { dialer ->
                    val impatient = dialer.withTimeout(limit)
                    BlackHole().use { hole ->
                        val before = openDescriptors()
                        shouldThrow<NetparkException.TimedOut> { impatient.await(hole.address) }.timeout() shouldBe
                            NetparkException.Timeout.CONNECT
                        eventually { openDescriptors() shouldBe before }
                    }
                    val asked = CompletableFuture<List<InetAddress>>()
                    shouldThrow<NetparkException.TimedOut> { impatient.withResolver { asked }.await("slow.example", 80) }
                    asked.isCancelled shouldBe true
                    listen(Family.ABSTRACT.freshAddress()).use { impatient.await(it.listener.localAddress()).close() }
                }
            }

            reactor("without a delay all addresses are tried at once") { dialer ->
                BlackHole().use { hole ->
                    val before = openDescriptors()
                    val outcome = Outcome()
                    dialer.withResolver(names("127.0.0.1", "127.0.0.1", "127.0.0.1")).withAttemptDelay(Duration.ZERO)
                        .dial("several", hole.address.port, outcome).also {
                            eventually { openDescriptors() shouldBe before + 3 }
                        }.cancel()
                    eventually { openDescriptors() shouldBe before }
                }
            }

            reactor("a resolver that never answers is cancelled when the time is over") { dialer ->
                val asked = CompletableFuture<List<InetAddress>>()
                shouldThrow<NetparkException.TimedOut> {
                    dialer.withResolver { asked }.withTimeout(millis(50)).await("slow.example", 80)
                }.message!! shouldContain "the resolver has not answered"
                asked.isCancelled shouldBe true
            }

            reactor("a resolver that fails, throws or knows nothing says so, and names the host") { dialer ->
                for (resolver in listOf(
                    Resolver { CompletableFuture.failedFuture(java.net.UnknownHostException("nope")) },
                    Resolver { throw IllegalStateException("nope") },
                    Resolver { CompletableFuture.completedFuture(listOf()) },
                    Resolver { CompletableFuture.supplyAsync { throw java.net.UnknownHostException("nope") } },
                )) {
                    val failure = shouldThrow<NetparkException.UnknownHost> {
                        dialer.withResolver(resolver).await("where.example", 80)
                    }
                    failure.message!! shouldContain "connect to where.example:80: no address is known of where.example"
                }
            }

            reactor("cancelled while the name is looked up, it cancels the look-up, and nobody is told") { dialer ->
                val asked = CompletableFuture<List<InetAddress>>()
                val outcome = Outcome()
                val dial = dialer.withResolver { asked }.dial("slow.example", 80, outcome)
                dial.cancel() shouldBe true
                dial.cancel() shouldBe false
                eventually { check(asked.isCancelled || group.loops().all { it.descriptors() == 0 }) }
                outcome.isTold shouldBe false
            }

            reactor("cancelled while it connects, it closes the socket, and nobody is told") { dialer ->
                BlackHole().use { hole ->
                    val before = openDescriptors()
                    repeat(20) { round ->
                        val outcome = Outcome()
                        val dial = dialer.dial(hole.address, outcome)
                        if (round % 2 == 0) eventually { check(openDescriptors() > before) }
                        dial.cancel() shouldBe true
                        outcome.isTold shouldBe false
                        eventually { openDescriptors() shouldBe before }
                    }
                }
            }

            reactor("cancelled at any moment, it is connected or nothing of it is left") { dialer ->
                listen().use { listener ->
                    val won = AtomicInteger()
                    repeat(300) { round ->
                        val outcome = Outcome()
                        val dial = dialer.dial(listener.address, outcome)
                        repeat(round * 5) { Thread.onSpinWait() }
                        if (!dial.cancel()) {
                            won.incrementAndGet()
                            outcome.await().close()
                        }
                        listener.listener.startAccept()?.close() ?: listener.listener.abandon(io.netpark.core.fd.Direction.READ)
                    }
                }
            }

            reactor("it comes from the local address that it was given") { dialer ->
                listen().use { listener ->
                    dialer.withLocalAddress(loopback("127.0.0.9")).await(listener.address).use { client ->
                        (client.localAddress() as InetSocketAddress).address.hostAddress shouldBe "127.0.0.9"
                    }
                    for (host in listOf("127.0.0.1", "::1")) { // without a host it is of the peer's family
                        listen(loopback(host)).use { other ->
                            dialer.withLocalAddress(InetSocketAddress(0)).await(other.address).use {
                                (it.localAddress() as InetSocketAddress).address shouldBe InetAddress.getByName(host)
                            }
                        }
                    }
                    shouldThrow<NetparkException> { dialer.withLocalAddress(loopback("::1")).await(listener.address) }
                        .message!! shouldContain "of another family"
                    shouldThrow<NetparkException> {
                        dialer.withLocalAddress(InetSocketAddress("192.0.2.1", 0)).await(listener.address)
                    }.message!! shouldContain "bind to 192.0.2.1"
                }
            }

            reactor("a connection to itself is none") { dialer ->
                HeldPort().use { held ->
                    val sharing = dialer.withOptions(NetOptions.DEFAULT.with(NetOption.REUSE_ADDRESS, true))
                    shouldThrow<NetparkException.Refused> { sharing.withLocalAddress(held.address).await(held.address) }
                        .message!! shouldContain ":${held.port}"
                }
            }

            reactor("an address that cannot be reached says so, and gives way to the next") { dialer ->
                shouldThrow<NetparkException.Unreachable> { dialer.await("255.255.255.255", 80) } // nobody connects to all
                    .message!! shouldContain "ENETUNREACH"
                listen().use { listener ->
                    dialer.withResolver(names("255.255.255.255", "127.0.0.1")).withAttemptDelay(LONG)
                        .await("several", listener.address.port).close()
                }
            }

            reactor("bad arguments are refused by name") { dialer ->
                for ((call, word) in listOf<Pair<() -> Any, String>>(
                    { dialer.dial("host", 0, Outcome()) } to "1 to 65535",
                    { dialer.dial("host", 65536, Outcome()) } to "1 to 65535",
                    { dialer.dial("", 80, Outcome()) } to "no name",
                    { dialer.dial(loopback(), Outcome()) } to "port 0",
                    { dialer.dial(UnixAddress.UNNAMED, Outcome()) } to "without a path",
                    { dialer.withAttemptDelay(millis(-1)) } to "negative",
                )) {
                    shouldThrow<IllegalArgumentException> { call() }.message!! shouldContain word
                }
            }

            reactor("closing the event loops ends a dial, whatever it is waiting for") { dialer ->
                BlackHole().use { hole ->
                    val outcomes = List(4) { Outcome() }
                    dialer.dial(hole.address, outcomes[0])
                    dialer.withResolver { CompletableFuture() }.dial("slow.example", 80, outcomes[1])
                    dialer.dial(hole.address, outcomes[2])
                    group.close()
                    dialer.dial(hole.address, outcomes[3])
                    outcomes.forEach { shouldThrow<NetparkException.Closed> { it.await() } }
                }
            }

            reactor("an outcome that throws is reported, and its connection closed") { dialer ->
                listen().use { listener ->
                    val before = openDescriptors()
                    dialer.dial(listener.address, object : Dial.Outcome {
                        override fun connected(connection: ConnectionDescriptor): Unit = error("mine")
                        override fun failed(cause: NetparkException): Unit = error("mine")
                    })
                    listener.accept().use { it.readIsAtEnd() shouldBe true }
                    eventually { openDescriptors() shouldBe before }
                    eventually { reporter.drain() shouldHaveSize 1 }
                    dialer.dial("127.0.0.1", 1, object : Dial.Outcome {
                        override fun connected(connection: ConnectionDescriptor): Unit = error("mine")
                        override fun failed(cause: NetparkException): Unit = error("mine")
                    })
                    eventually { reporter.drain() shouldHaveSize 1 }
                }
            }
        }
    }

    test("a slow address may still win when the next has been tried") {
        TestReactor().use { reactor ->
            BlackHole("127.0.0.2").use { never ->
                BlackHole("127.0.0.1", never.address.port).use { slow ->
                    val outcome = Outcome()
                    Dialer.of(reactor.group).withResolver(names("127.0.0.1", "127.0.0.2")).withAttemptDelay(millis(20))
                        .withTimeout(LONG).dial("several", slow.address.port, outcome)
                    eventually { reactor.loop.descriptors() shouldBe 2 }
                    slow.open() // and the next SYN, after a second, is answered
                    outcome.await().use { it.remoteAddress() shouldBe slow.address }
                    eventually { reactor.loop.descriptors() shouldBe 0 }
                }
            }
        }
    }

    test("one after another, each address has its share of the time") {
        val clock = HandMovedClock()
        TestReactor(configure = { clock(clock) }).use { reactor ->
            BlackHole("127.0.0.1").use { hole ->
                reactor.listen(loopback("127.0.0.2", hole.address.port)).use { listener ->
                    val outcome = Outcome()
                    Dialer.of(reactor.group).withResolver(names("127.0.0.1", "127.0.0.2")).withAttemptDelay(Due.INFINITE)
                        .withTimeout(millis(4200)).dial("several", hole.address.port, outcome)
                    eventually { reactor.loop.descriptors() shouldBe 2 } // the listener, and the first attempt
                    clock.pass(2099.milliseconds, reactor)
                    listener.listener.startAccept() shouldBe null
                    listener.listener.abandon(io.netpark.core.fd.Direction.READ)
                    outcome.isTold shouldBe false
                    clock.pass(1.milliseconds, reactor)
                    outcome.await().use { it.remoteAddress() shouldBe listener.address }
                }
            }
        }
    }

    test("a share of the time is Go's: equal, but at least two seconds, or all there is") {
        fun share(leftMillis: Long, addresses: Int) = TimeUnit.NANOSECONDS.toMillis(Dial.share(millis(leftMillis).toNanos(), addresses))
        share(12_000, 3) shouldBe 4_000
        share(12_000, 2) shouldBe 6_000
        share(12_000, 1) shouldBe 12_000
        share(5_000, 4) shouldBe 2_000
        share(1_500, 4) shouldBe 1_500
        share(0, 1) shouldBe 0
    }

    test("one after another, the last that does not answer fails with TimedOut, whatever the others failed with") {
        val clock = HandMovedClock()
        val calls = CallCounter()
        TestReactor(calls.libc, configure = { clock(clock) }).use { reactor ->
            BlackHole("127.0.0.3").use { hole ->
                val dialer = Dialer.of(reactor.group).withResolver(names("127.0.0.1", "127.0.0.2", "127.0.0.3"))
                    .withAttemptDelay(Due.INFINITE).withTimeout(millis(1500))
                val outcome = Outcome()
                dialer.dial("several", hole.address.port, outcome)
                eventually { calls["connect"] shouldBe 3 } // the first two have been refused
                clock.pass(1499.milliseconds, reactor)
                outcome.isTold shouldBe false
                clock.pass(1.milliseconds, reactor)
                val failure = shouldThrow<NetparkException.TimedOut> { outcome.await() }
                failure.timeout() shouldBe NetparkException.Timeout.CONNECT
                failure.message!! shouldContain "no connection within 1500 ms"
                failure.message!! shouldContain "127.0.0.3:${hole.address.port}: no answer"
                failure.suppressed shouldHaveSize 2
            }
        }
    }

    test("addresses without number that fail at once take no stack, leave others their turn, and the error names the first") {
        TestReactor().use { reactor ->
            HeldPort().use { deaf ->
                val addresses = List(10_000) { InetAddress.getByAddress(byteArrayOf(127, 1, (it shr 8).toByte(), it.toByte())) }
                val resolver = Resolver { CompletableFuture.completedFuture(addresses) }
                for (local in listOf(null, loopback("::1"))) { // refused by the peer, and before anything is sent
                    val turns = AtomicInteger()
                    val outcome = Outcome()
                    Dialer.of(reactor.group).withResolver(resolver).withAttemptDelay(Due.INFINITE).withLocalAddress(local)
                        .dial("many", deaf.port, outcome)
                    reactor.loop.execute(object : Runnable {
                        override fun run() {
                            turns.incrementAndGet()
                            if (!outcome.isTold) reactor.loop.execute(this)
                        }
                    })
                    val failure = shouldThrow<NetparkException> { outcome.await() }
                    failure.message!! shouldContain "none of 10000 addresses"
                    failure.message!! shouldContain "127.1.0.0:"
                    failure.message!! shouldContain "and 9968 more"
                    failure.suppressed shouldHaveSize 32
                    turns.get().toLong() shouldBeGreaterThanOrEqual 100
                }
            }
        }
    }

    test("the system's resolver puts IPv6 first, and says which name has no address") {
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                Dialer.of(reactor.group).await("localhost", listener.address.port).close()
            }
            val addresses = Resolver.SYSTEM.resolve("localhost").get(10, TimeUnit.SECONDS)
            addresses.dropWhile { it is Inet6Address }.filterIsInstance<Inet6Address>().shouldBeEmpty()
            shouldThrow<NetparkException.UnknownHost> {
                Dialer.of(reactor.group).await("no.such.host.invalid", 1)
            }.message!! shouldContain "no.such.host.invalid"
        }
    }

    test("interrupted and spurious system calls do not disturb dials") {
        val libc: LibC = FaultyLibC(seed = 6)
        TestReactor(libc).use { reactor ->
            reactor.listen().use { listener ->
                repeat(100) {
                    val dialed = Outcome()
                    Dialer.of(reactor.group).withTimeout(LONG).dial(listener.address, dialed)
                    listener.accept().use { server ->
                        dialed.await().use { it.localAddress() shouldBe server.connection.remoteAddress() }
                    }
                }
            }
            reactor.reporter.drain()
        }
    }

    test("fast open: the option is set, and bytes get through, with a cookie or without") {
        TestReactor().use { reactor ->
            val options = NetOptions.DEFAULT.withFastOpen(true)
            reactor.listen(options = options).use { listener ->
                repeat(3) {
                    Dialer.of(reactor.group).withOptions(options).await(listener.address).use { client ->
                        client.getOption(NetOption.FAST_OPEN_CONNECT) shouldBe true
                        io.netpark.core.testing.BlockingConnection(client).write("early")
                        listener.accept().use { it.readText(5) shouldBe "early" }
                    }
                }
                listener.listener.getOption(NetOption.FAST_OPEN) shouldBe 256
            }
        }
    }

    test("a dial whose end cannot be counted, for want of memory, ends and is told, and so is that") {
        val full = object : LongAdder() {
            override fun increment(): Unit = throw OutOfMemoryError("for a test")
            override fun toByte(): Byte = toInt().toByte() // Kotlin's Number asks for these two
            override fun toShort(): Short = toInt().toShort()
        }
        TestReactor { metrics(true) }.use { reactor ->
            val faults = Counters::class.java.getDeclaredField("dialFaults").apply { isAccessible = true }.get(reactor.loop.counters())
            java.lang.reflect.Array.set(faults, DialFault.REFUSED.ordinal, full)
            HeldPort().use { held -> shouldThrow<NetparkException.Refused> { Dialer.of(reactor.group).await(held.address) } }
            val report = reactor.reporter.drain().single()
            report.what shouldBe "It was not counted that a dial has ended"
            report.cause.shouldBeInstanceOf<OutOfMemoryError>()
        }
    }

    test("whatever a resolver's future or list throws, the dial ends and is told once") {
        TestReactor().use { reactor ->
            val dialer = Dialer.of(reactor.group)
            val stubborn = object : CompletableFuture<List<InetAddress>>() {
                override fun cancel(mayInterruptIfRunning: Boolean): Boolean = error("stubborn")
            }
            shouldThrow<NetparkException.TimedOut> {
                dialer.withResolver { stubborn }.withTimeout(millis(20)).await("slow.example", 80)
            }
            eventually { reactor.reporter.reports shouldHaveSize 1 }
            reactor.reporter.drain().single().cause.message shouldBe "stubborn"
            val endless = object : AbstractList<InetAddress>() {
                override val size get() = 2
                override fun get(index: Int): InetAddress = throw StackOverflowError()
            }
            shouldThrow<NetparkException> {
                dialer.withResolver { CompletableFuture.completedFuture(endless) }.await("deep.example", 80)
            }.cause.shouldBeInstanceOf<StackOverflowError>()
        }
    }
})
