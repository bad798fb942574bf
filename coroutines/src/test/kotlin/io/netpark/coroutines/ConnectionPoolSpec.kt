package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.options.NetOption
import io.netpark.core.pool.Eviction
import io.netpark.core.pool.PoolOptions
import io.netpark.core.pool.PoolSnapshot
import io.netpark.core.sys.Clock
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlackHole
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.simulation.runNetworkTest
import java.lang.ref.WeakReference
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

private fun millis(count: Long) = count.milliseconds

/** An echo server that knows its connections. */
private class Echo(val listener: Listener) {
    val open = mutableSetOf<Connection>()
    val served = AtomicInteger()
    val address: SocketAddress get() = listener.localAddress

    suspend fun run() = listener.serve { connection ->
        synchronized(open) { open += connection }
        served.incrementAndGet()
        try {
            echo(connection)
        } finally {
            synchronized(open) { open -= connection }
        }
    }

    fun connections(): List<Connection> = synchronized(open) { open.toList() }

    /** Of one client. Its handler is known; that of an earlier client may end after that of this one has begun, on another loop. */
    suspend fun onlyConnection(): Connection {
        soon { connections() shouldHaveSize 1 }
        return connections().single()
    }
}

private suspend fun Connection.ask(text: String) {
    write(text)
    readText(text.length) shouldBe text
}

/** Has the pool make [count] connections and keep them. Each is lent until all are there: one that came back would be lent again. */
private suspend fun ConnectionPool.stock(count: Int, address: SocketAddress) = List(count) { borrow(address) }.forEach {
    it.connection.ask("x")
    it.giveBack()
}

/** What a borrower had who has given it back. */
private suspend fun ConnectionPool.had(address: SocketAddress): WeakReference<Connection> {
    val lease = borrow(address)
    lease.connection.ask("x")
    lease.giveBack()
    return WeakReference(lease.connection)
}

private val IMPATIENT = PoolOptions.DEFAULT.withConnectTimeout(millis(100)).withFailFast(true)

private suspend fun ConnectionPool.shouldGiveUp(hole: SocketAddress) {
    shouldThrow<NetparkException.TimedOut> { use(hole) { } }.timeout() shouldBe NetparkException.Timeout.CONNECT
}

private fun PoolSnapshot.evicted(reason: Eviction): Long = evicted()[reason] ?: 0

/** Pooled connections, over every binding and poller. */
class ConnectionPoolSpec : NetparkSpec(body = {
    class Scene(val reactor: Reactor, val scope: CoroutineScope, val reports: RecordingReporter) {
        val servers = mutableListOf<Job>()

        fun server(address: String = "127.0.0.1", port: Int = 0): Echo {
            val echo = Echo(reactor.listenOver(address, port))
            servers += scope.launch { echo.run() }
            return echo
        }

        suspend fun end() = servers.forEach { it.cancelAndJoin() }
    }

    /** Without a flavour on a kernel in memory, in several orders of the threads. */
    fun scene(
        flavour: Flavour?,
        options: PoolOptions = PoolOptions.DEFAULT,
        clock: Clock = Clock.SYSTEM,
        body: suspend CoroutineScope.(Scene, ConnectionPool) -> Unit,
    ) {
        val play: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit = { reactor, reports ->
            val scene = Scene(reactor, this, reports)
            ConnectionPool(reactor, options, dialer = reactor.dialerOver).use { pool -> coroutineScope { body(scene, pool) } }
            scene.end()
        }
        if (flavour == null) inOrders(loops = 2, body = play) else onReactor(flavour.libc, flavour.poller.factory, loops = 2, clock = clock, body = play)
    }

    for (flavour in Flavour.few) {
        context("$flavour") {
            val alsoInOtherOrders = flavour === Flavour.few.first() && flavour.wire == Wire.PLAIN && delaysAreOfLoops

            suspend fun contract(
                name: String,
                options: PoolOptions = PoolOptions.DEFAULT,
                inOtherOrders: Boolean = alsoInOtherOrders,
                body: suspend CoroutineScope.(Scene, ConnectionPool) -> Unit,
            ) {
                test(name) { scene(flavour, options, body = body) }
                if (inOtherOrders) test("$name, in other orders") { scene(null, options, body = body) }
            }

            contract("a connection that was given back is lent again, the one used last first") { scene, pool ->
                val server = scene.server()
                val first = pool.borrow(server.address)
                val second = pool.borrow(server.address)
                first.connection.ask("a")
                second.connection.ask("b")
                val local = first.connection.localAddress
                second.giveBack()
                first.giveBack()
                pool.use(server.address) { it.localAddress shouldBe local }
                pool.snapshot().also {
                    it.created() shouldBe 2
                    it.borrowed() shouldBe 3
                    it.open() shouldBe 2
                    it.idle() shouldBe 2
                    it.lent() shouldBe 0
                }
            }

            contract("without any time a borrower gets what is idle, or nothing, and nobody dials for it") { scene, pool ->
                val server = scene.server()
                for (none in listOf(Duration.ZERO, (-1).seconds)) {
                    val failure = shouldThrow<NetparkException.TimedOut> { pool.borrow(server.address, none) }
                    failure.timeout() shouldBe NetparkException.Timeout.BORROW
                    failure.message!! shouldContain "none is idle"
                }
                pool.snapshot().created() shouldBe 0
                pool.snapshot().timedOut() shouldBe 2
                pool.borrow(server.address, Duration.INFINITE).let {
                    it.connection.ask("x") // with TLS a ticket comes before the answer: it does not come to an idle connection
                    it.giveBack()
                }
                pool.use(server.address, Duration.ZERO) { it.ask("a") }
                pool.snapshot().created() shouldBe 1
            }

            contract("a lease ends once, and its connection cannot be used after that") { scene, pool ->
                val server = scene.server()
                val lease = pool.borrow(server.address)
                val connection = lease.connection
                connection.ask("x")
                lease.giveBack()
                shouldThrow<IllegalStateException> { lease.giveBack() }.message!! shouldContain "given back"
                shouldThrow<IllegalStateException> { connection.write("late") }.message!! shouldContain "given back"
                shouldThrow<IllegalStateException> { connection.read(ByteArray(1)) }
                shouldThrow<IllegalStateException> { connection.shutdownOutput() }
                shouldThrow<IllegalStateException> { connection.readTimeout = 1.milliseconds }
                shouldThrow<IllegalStateException> { connection.writeTimeout = 1.milliseconds }
                shouldThrow<IllegalStateException> { connection.idleTimeout = 1.milliseconds }
                shouldThrow<IllegalStateException> { connection.readDeadline = null }
                shouldThrow<IllegalStateException> { connection.writeDeadline = null }
                shouldThrow<IllegalStateException> { connection.setOption(NetOption.CORK, true) }
                shouldThrow<IllegalStateException> { connection.detach() }
                connection.reset()
                lease.discard()
                connection.close()
                delay(5)
                pool.use(server.address) { it.ask("still there") }
                pool.snapshot().created() shouldBe 1
            }

            contract("a borrower that fails, is cancelled, closes it or leaves something does not give it back") { scene, pool ->
                val server = scene.server()
                shouldThrow<IllegalStateException> { pool.use(server.address) { error("mine") } }
                val inside = CompletableDeferred<Unit>()
                val borrower = launch {
                    pool.use(server.address) {
                        it.write("question")
                        inside.complete(Unit)
                        it.readText(1000)
                    }
                }
                inside.await()
                borrower.cancelAndJoin()
                pool.use(server.address) { it.close() }
                pool.use(server.address) { connection ->
                    connection.write("two")
                    connection.reader.await(3) shouldBe true
                    connection.reader.takeByte()
                }
                pool.use(server.address) { it.writer.putByte(1) }
                pool.use(server.address) { it.shutdownOutput() }
                pool.use(server.address) { connection ->
                    connection.write("unread")
                    scene.servers.size shouldBe 1
                    soon { check(connection.tcpInfo().bytesReceived() >= 6) }
                }
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().also {
                    it.created() shouldBe 7
                    it.evicted(Eviction.DISCARDED) shouldBe 6
                    it.evicted(Eviction.UNASKED_BYTES) shouldBe 1
                }
            }

            contract("an idle connection is gone when its peer closes it, or says something") { scene, pool ->
                val server = scene.server()
                pool.use(server.address) { it.ask("x") }
                server.onlyConnection().close()
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().evicted(Eviction.PEER_CLOSED) shouldBe 1
                pool.use(server.address) { it.ask("y") }
                soon { server.onlyConnection().write("nobody asked") } // its handler may be at the end of a write still
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().evicted(Eviction.UNASKED_BYTES) shouldBe 1
                pool.use(server.address) { it.ask("z") }
                server.onlyConnection().reset()
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().evicted(Eviction.PEER_CLOSED) shouldBe 2
                pool.use(server.address) { it.ask("half") }
                server.onlyConnection().shutdownOutput() // it reads still, but will never answer
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().evicted(Eviction.PEER_CLOSED) shouldBe 3
            }

            contract("who has to wait is served in turn", PoolOptions.DEFAULT.withMaxPerDestination(2)) { scene, pool ->
                val server = scene.server()
                val leases = List(2) { pool.borrow(server.address) }
                val order = mutableListOf<Int>()
                val waiting = List(10) { number ->
                    launch(start = CoroutineStart.UNDISPATCHED) {
                        pool.use(server.address) { it.ask("x"); order += number }
                    }
                }
                pool.snapshot().waiting() shouldBe 10
                delay(1)
                leases[0].giveBack()
                waiting.joinAll()
                order shouldBe List(10) { it }
                leases[1].giveBack()
                pool.snapshot().also {
                    it.created() shouldBe 2
                    it.waited() shouldBe 12 // the first two for their connections to be made
                    it.longestWaitNanos() shouldBeGreaterThan 0
                }
            }

            contract("a borrower waits no longer than its time, and is told why in vain",
                PoolOptions.DEFAULT.withMaxConnections(1)) { scene, pool ->
                val server = scene.server()
                val lease = pool.borrow(server.address)
                val failure = shouldThrow<NetparkException.TimedOut> { pool.borrow(server.address, 50.milliseconds) }
                failure.timeout() shouldBe NetparkException.Timeout.BORROW
                failure.message!! shouldContain "none within 50 ms; 1 are open there"
                shouldThrow<CancellationException> { withTimeout(50) { pool.borrow(server.address) } }
                pool.snapshot().waiting() shouldBe 0
                lease.giveBack()
                pool.use(server.address, 10.seconds) { it.ask("x") }
                pool.snapshot().timedOut() shouldBe 1
            }

            contract("room for a destination is made of idle connections to another, and of busy ones in turn",
                PoolOptions.DEFAULT.withMaxConnections(2)) { scene, pool ->
                val first = scene.server()
                val second = scene.server()
                pool.stock(2, first.address)
                pool.snapshot().idle() shouldBe 2
                pool.use(second.address) { it.ask("y") }
                pool.snapshot().evicted(Eviction.ROOM) shouldBe 1
                val busy = List(2) { pool.borrow(first.address) }
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { pool.use(second.address) { it.ask("z") } }
                val later = async(start = CoroutineStart.UNDISPATCHED) { pool.use(first.address) { it.ask("z") } }
                busy[0].giveBack() // goes neither to the later one, nor idle: the one that waits longest needs the room
                waiting.await()
                busy[1].giveBack()
                later.await()
                soon { check(pool.snapshot().open() <= 2) }
            }

            contract("room that comes back goes to whom it is of use, though others have waited for longer",
                PoolOptions.DEFAULT.withMaxConnections(2).withMaxPerDestination(1)) { scene, pool ->
                val servers = List(3) { scene.server() }
                val first = pool.borrow(servers[0].address)
                val second = pool.borrow(servers[1].address)
                val longest = async(start = CoroutineStart.UNDISPATCHED) { pool.use(servers[0].address) { it.ask("a") } }
                val third = async(start = CoroutineStart.UNDISPATCHED) { pool.use(servers[2].address) { it.ask("c") } }
                second.giveBack() // the one that waits for the first is at its limit there
                third.await()
                first.giveBack()
                longest.await()
            }

            contract("addresses that nobody wants any more are forgotten",
                PoolOptions.DEFAULT.withIdleTimeout(millis(20)).withFailFast(true)) { scene, pool ->
                val server = scene.server()
                pool.use(server.address) { it.ask("x") }
                soon { pool.snapshot().destinations().size shouldBe 0 }
                scene.reports.drain()
            }

            contract("as many are kept ready as are wanted, also when one breaks", PoolOptions.DEFAULT.withMinIdle(3)) { scene, pool ->
                val server = scene.server()
                pool.warmUp(server.address)
                soon { pool.snapshot().idle() shouldBe 3; server.connections() shouldHaveSize 3 }
                server.connections().first().close()
                soon { pool.snapshot().created() shouldBe 4; pool.snapshot().idle() shouldBe 3 }
                val lease = pool.borrow(server.address)
                soon { pool.snapshot().open() shouldBe 4 }
                lease.giveBack()
            }

            test("no more connections are made than there are borrowers, whenever one arrives") {
                onReactor(flavour.libc, flavour.poller.factory, loops = 2) { reactor, reports ->
                    val scene = Scene(reactor, this, reports)
                    val server = scene.server()
                    repeat(200) {
                        ConnectionPool(reactor, dialer = reactor.dialerOver).use { pool ->
                            coroutineScope {
                                repeat(4) { number ->
                                    launch(Dispatchers.Default) {
                                        val start = System.nanoTime() + number * 15_000
                                        while (System.nanoTime() - start < 0) Thread.onSpinWait()
                                        pool.use(server.address) { it.ask("x") }
                                    }
                                }
                            }
                            pool.snapshot().created() shouldBeLessThan 5
                        }
                    }
                    scene.end()
                }
            }

            contract("what is idle for too long is closed, and what is too old when it comes back",
                PoolOptions.DEFAULT.withIdleTimeout(millis(100))) { scene, pool ->
                val server = scene.server()
                pool.stock(3, server.address)
                soon { pool.snapshot().open() shouldBe 0 }
                pool.snapshot().evicted(Eviction.IDLE) shouldBe 3
            }

            contract("what is too old is closed, idle or when it comes back",
                PoolOptions.DEFAULT.withMaxLifetime(millis(150))) { scene, pool ->
                val server = scene.server()
                val lease = pool.borrow(server.address)
                pool.use(server.address) { it.ask("x") }
                soon { pool.snapshot().evicted(Eviction.LIFETIME) shouldBe 1 }
                delay(20)
                lease.connection.ask("old, and still good")
                lease.giveBack()
                pool.snapshot().evicted(Eviction.LIFETIME) shouldBe 2
                pool.snapshot().open() shouldBe 0
            }

            contract("a destination that fails is tried again until the borrower's time is over, and reported once",
                PoolOptions.DEFAULT.withBackOff(millis(5), millis(20))) { scene, pool ->
                HeldPort().use { held ->
                    val port = held.port
                    val failure = shouldThrow<NetparkException.TimedOut> {
                        pool.use("127.0.0.1", port, 1.seconds) { }
                    }
                    failure.message!! shouldContain "connecting failed"
                    failure.message!! shouldContain "ECONNREFUSED"
                    scene.reports.drain() shouldHaveSize 1
                    pool.snapshot().dialFailures() shouldBeGreaterThan 3
                    pool.snapshot().dialFailures() shouldBeLessThan 250
                    val waiting = List(5) { async(start = CoroutineStart.UNDISPATCHED) { pool.use("127.0.0.1", port) { it.ask("up") } } }
                    delay(30)
                    scene.server(port = port)
                    waiting.awaitAll()
                    scene.reports.drain() shouldHaveSize 0
                }
            }

            contract("who wants to fail fast is told at once, and while the pause lasts",
                PoolOptions.DEFAULT.withFailFast(true).withBackOff(1.hours, 1.hours)) { scene, pool ->
                HeldPort().use { held ->
                    val port = held.port
                    shouldThrow<NetparkException.Refused> { pool.use("127.0.0.1", port) { } }
                    scene.server(port = port)
                    shouldThrow<NetparkException.Refused> { pool.use("127.0.0.1", port) { } }
                        .message!! shouldContain "will be tried again in"
                    pool.snapshot().dialFailures() shouldBe 1
                    scene.reports.drain() shouldHaveSize 1
                }
            }

            contract("who wants to fail fast gets a connection when the pause is over",
                PoolOptions.DEFAULT.withFailFast(true).withBackOff(millis(50), millis(50))) { scene, pool ->
                HeldPort().use { held ->
                    val port = held.port
                    shouldThrow<NetparkException.Refused> { pool.use("127.0.0.1", port) { } }
                    scene.server(port = port)
                    soon { pool.use("127.0.0.1", port) { it.ask("x") } }
                    scene.reports.drain() shouldHaveSize 1
                }
            }

            contract("a black hole is given up after the time to connect",
                IMPATIENT, inOtherOrders = false) { scene, pool ->
                BlackHole().use { hole -> pool.shouldGiveUp(hole.address) }
                scene.reports.drain() shouldHaveSize 1
            }
            if (alsoInOtherOrders) {
                test("a black hole is given up after the time to connect, in other orders") {
                    runNetworkTest(1L..5L) {
                        val reports = RecordingReporter()
                        val reactor = host("client").reactor(loops = 2) { reporter(reports) }
                        val hole = host("hole").address(7000)
                        network.isolate("hole")
                        ConnectionPool(reactor, IMPATIENT).use { pool -> pool.shouldGiveUp(hole) }
                        (elapsed in 100.milliseconds..200.milliseconds) shouldBe true
                        reports.drain() shouldHaveSize 1
                    }
                }
            }

            test("a check rejects connections, and the next is tried") {
                onReactor(flavour.libc, flavour.poller.factory) { reactor, reports ->
                    val scene = Scene(reactor, this, reports)
                    val server = scene.server()
                    val checks = AtomicInteger()
                    ConnectionPool(reactor, dialer = reactor.dialerOver, check = { connection ->
                        connection.ask("PING")
                        checks.incrementAndGet() != 1
                    }).use { pool ->
                        pool.stock(2, server.address)
                        checks.get() shouldBe 0
                        pool.use(server.address) { it.ask("y") }
                        checks.get() shouldBe 2
                        pool.snapshot().evicted(Eviction.CHECK) shouldBe 1
                    }
                    scene.end()
                }
            }

            test("a check has no more time than its borrower") {
                onReactor(flavour.libc, flavour.poller.factory) { reactor, reports ->
                    val scene = Scene(reactor, this, reports)
                    val server = scene.server()
                    ConnectionPool(reactor, dialer = reactor.dialerOver, check = { kotlinx.coroutines.awaitCancellation() }).use { pool ->
                        pool.use(server.address) { it.ask("x") }
                        delay(5)
                        shouldThrow<NetparkException.TimedOut> { pool.borrow(server.address, 60.milliseconds) }
                            .timeout() shouldBe NetparkException.Timeout.BORROW
                        soon { pool.snapshot().lent() shouldBe 0 }
                    }
                    scene.end()
                }
            }

            contract("draining waits for borrowers, and then cuts") { scene, pool ->
                val server = scene.server()
                pool.use(server.address) { it.ask("x") }
                val leases = List(2) { pool.borrow(server.address) }
                val ending = async(start = CoroutineStart.UNDISPATCHED) { pool.shutdown(2.seconds) }
                shouldThrow<NetparkException.Closed> { pool.borrow(server.address) }
                leases[0].connection.ask("goes on")
                leases[0].giveBack()
                ending.await() shouldBe 1
                shouldThrow<NetparkException.Closed> { leases[1].connection.ask("cut") }
                leases[1].discard()
                pool.snapshot().open() shouldBe 0
            }

            contract("closing it tells those who wait", PoolOptions.DEFAULT.withMaxConnections(1)) { scene, pool ->
                val server = scene.server()
                val lease = pool.borrow(server.address)
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { runCatching { pool.borrow(server.address) } }
                pool.close()
                (waiting.await().exceptionOrNull() is NetparkException.Closed) shouldBe true
                shouldThrow<NetparkException.Closed> { lease.connection.ask("x") }
            }

            suspend fun timesDoNotStay(scene: Scene, pool: ConnectionPool, pass: suspend (Duration) -> Unit) {
                val server = scene.server()
                val time = 5.seconds
                pool.use(server.address) {
                    it.readTimeout = time
                    it.writeTimeout = time
                    it.idleTimeout = time
                    it.readDeadline = TimeSource.Monotonic.markNow() + time
                    it.writeDeadline = it.readDeadline
                    it.ask("x")
                }
                pass(time * 1.4)
                pool.use(server.address) {
                    listOf(it.readTimeout, it.writeTimeout, it.idleTimeout).all { timeout -> timeout.isInfinite() } shouldBe true
                    listOf(it.readDeadline, it.writeDeadline).filterNotNull() shouldBe emptyList()
                    it.ask("y")
                }
                pool.snapshot().created() shouldBe 1
            }

            // In time that is moved by hand the borrower is answered in time, though a thread is held up.
            test("timeouts and deadlines of a borrower do not stay") {
                val clock = HandMovedClock()
                scene(flavour, clock = clock) { scene, pool ->
                    timesDoNotStay(scene, pool) { time ->
                        clock.move(time, scene.reactor.group)
                        repeat(2) { scene.reactor.loopDispatchers.forEach { loop -> withContext(loop) {} } } // what is due has run
                    }
                }
            }
            if (alsoInOtherOrders) {
                test("timeouts and deadlines of a borrower do not stay, in other orders") {
                    scene(null) { scene, pool -> timesDoNotStay(scene, pool) { delay(it) } }
                }
            }
        }
    }

    test("an idle connection does not keep what its last borrower had") {
        scene(Flavour.few.first()) { scene, pool ->
            val had = pool.had(scene.server().address)
            soon {
                System.gc()
                had.get() shouldBe null
            }
            pool.snapshot().idle() shouldBe 1
        }
    }

    test("bad arguments are refused by name") {
        onReactor { reactor, _ ->
            ConnectionPool(reactor, dialer = reactor.dialerOver).use { pool ->
                shouldThrow<IllegalArgumentException> { pool.borrow(InetSocketAddress("127.0.0.1", 0)) }.message!! shouldContain "port 0"
                shouldThrow<IllegalArgumentException> { pool.use("host", 0) { } }.message!! shouldContain "1 to 65535"
            }
            for (bad in listOf<() -> Any>(
                { PoolOptions.DEFAULT.withMaxConnections(0) },
                { PoolOptions.DEFAULT.withMaxPerDestination(0) },
                { PoolOptions.DEFAULT.withMinIdle(-1) },
                { PoolOptions.DEFAULT.withIdleTimeout(millis(-1)) },
                { PoolOptions.DEFAULT.withIdleTimeout(millis(0)) },
                { PoolOptions.DEFAULT.withMaxLifetime(millis(0)) },
                { PoolOptions.DEFAULT.withBorrowTimeout(millis(0)) },
                { PoolOptions.DEFAULT.withConnectTimeout(millis(0)) },
                { PoolOptions.DEFAULT.withBackOff(millis(2), millis(1)) },
            )) shouldThrow<IllegalArgumentException> { bad() }
        }
    }

    test("closing the reactor ends those who wait, and the pool") {
        val reactor = Reactor(1) { daemon(true) }
        val pool = ConnectionPool(reactor, PoolOptions.DEFAULT.withMaxConnections(1), dialer = reactor.dialerOver)
        kotlinx.coroutines.runBlocking {
            val listener = reactor.listenOver("127.0.0.1", 0)
            launch { listener.serve { echo(it) } }
            val lease = pool.borrow(listener.localAddress)
            val waiting = async(Dispatchers.Default) { runCatching { pool.borrow(listener.localAddress) } }
            soon { pool.snapshot().waiting() shouldBe 1 }
            reactor.close()
            (waiting.await().exceptionOrNull() is NetparkException.Closed) shouldBe true
            lease.discard()
        }
        pool.close()
    }

    test("200 borrowers, servers that die and come back, connections that break, borrowers that are cancelled: nobody starves") {
        onReactor(loops = 2) { reactor, reports ->
            val before = openDescriptors()
            val random = Random(6)
            val seconds = System.getProperty("netpark.soak.seconds")?.toInt() ?: 8
            val end = System.nanoTime() + seconds.seconds.inWholeNanoseconds
            val held = List(3) { HeldPort() }
            val ports = held.map { it.port }
            val asked = AtomicInteger()
            val options = PoolOptions.DEFAULT.withMaxConnections(20).withMaxPerDestination(10).withMinIdle(1)
                .withBackOff(millis(2), millis(20)).withMaxLifetime(millis(500)).withIdleTimeout(millis(100))
            val pool = ConnectionPool(reactor, options, dialer = reactor.dialerOver)
            val lastAnswered = CompletableDeferred<Unit>()
            coroutineScope {
                ports.forEach { port ->
                    launch {
                        while (System.nanoTime() - end < 0) {
                            val echo = Echo(reactor.listenOver("127.0.0.1", port))
                            val serving = launch { echo.run() }
                            repeat(5) {
                                delay(random.nextLong(20, 100))
                                val open = echo.connections()
                                if (open.isNotEmpty()) open.random(random).let { if (random.nextBoolean()) it.reset() else it.close() }
                            }
                            serving.cancelAndJoin()
                            delay(random.nextLong(5, 50))
                        }
                        val echo = Echo(reactor.listenOver("127.0.0.1", port)) // the last ones shall not wait in vain
                        echo.listener.use { // which serve does not close if it is cancelled before it has begun
                            val serving = launch { echo.run() }
                            lastAnswered.await()
                            serving.cancelAndJoin()
                        }
                    }
                }
                List(200) { number ->
                    launch(Dispatchers.Default) {
                        var round = 0
                        while (System.nanoTime() - end < 0) {
                            val text = "$number.${round++}".padEnd(16)
                            try {
                                withTimeout(if (round % 7 == 0) 5 else 30_000) {
                                    pool.use("127.0.0.1", ports[(number + round) % 3]) {
                                        it.write(text)
                                        it.readText(16) shouldBe text // and never what another asked
                                    }
                                }
                                asked.incrementAndGet()
                            } catch (_: NetparkException.Reset) {
                            } catch (_: NetparkException.Closed) {
                            } catch (_: java.io.EOFException) {
                            } catch (e: CancellationException) {
                                if (round % 7 != 0) throw AssertionError("starved", e)
                            }
                        }
                    }
                }.joinAll()
                lastAnswered.complete(Unit)
            }
            check(asked.get() > 200) { "only ${asked.get()} answers" }
            pool.snapshot().waiting() shouldBe 0
            soon { pool.snapshot().lent() shouldBe 0 } // one that has been noticed is looked at before it is closed
            pool.shutdown(1.seconds) shouldBe 0
            held.forEach { it.close() }
            soon { openDescriptors() shouldBe before }
            reports.drain()
        }
    }
})
