package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.fd.Attendant
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.inspection.Inspector
import io.netpark.core.inspection.Subject
import io.netpark.core.inspection.Walks
import io.netpark.core.jfr.ConnectionRecording
import io.netpark.core.jmx.ManagedLoops
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.report.ConnectionSnapshot
import io.netpark.core.report.GroupHealth.ListenerHealth
import io.netpark.core.report.GroupHealth.LoopHealth
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.Clock
import io.netpark.core.testing.BlackHole
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.peerEngine
import io.netpark.core.testing.tls.tls
import io.netpark.core.testing.use
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.file.Files
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import java.util.function.Supplier
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordedEvent
import jdk.jfr.consumer.RecordingFile
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private fun TestReactor.look(): List<ConnectionSnapshot> = group.connections().also { it.silent().shouldBeEmpty() }.connections()

private fun TestReactor.lookAt(connection: ConnectionDescriptor): ConnectionSnapshot =
    look().single { it.peer() == connection.remoteAddress() }

/** Holds a loop while [body] runs. */
private fun EventLoop.heldDuring(occupation: String? = null, body: () -> Unit) {
    val held = CountDownLatch(1)
    val release = CountDownLatch(1)
    execute {
        setOccupation(occupation)
        held.countDown()
        release.await()
    }
    held.await()
    try {
        body()
    } finally {
        release.countDown()
    }
}

class InspectionSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: a connection is shown with its peer, bytes, limits, and who is parked; and is gone when it is closed") {
            TestReactor(flavour, 2).use { reactor ->
                reactor.pair().use { client, server ->
                    client.write("x".repeat(1000))
                    server.readFully(1000)
                    server.write("y".repeat(10))
                    client.readFully(10)
                    val fresh = reactor.lookAt(server.connection)
                    fresh.loop() shouldBe server.connection.loop().toString()
                    fresh.state() shouldBe ConnectionSnapshot.State.OPEN
                    fresh.bytesIn() shouldBe 1000
                    fresh.bytesOut() shouldBe 10
                    fresh.pendingOutput() shouldBe 0
                    fresh.tls() shouldBe null
                    fresh.handler() shouldBe null
                    fresh.parked().shouldBeEmpty()
                    fresh.limits() shouldBe ConnectionSnapshot.TimeLimits(null, null, null, null, null)
                    fresh.idle().shouldNotBeNull() shouldBeLessThanOrEqualTo fresh.age()

                    server.connection.setIdleTimeout(Duration.ofMinutes(3).toNanos())
                    server.connection.setTimeout(Direction.READ, Duration.ofMinutes(2).toNanos())
                    server.connection.setDeadline(Direction.WRITE, System.nanoTime() + Duration.ofMinutes(1).toNanos())
                    server.connection.setAttendant(object : Attendant {
                        override fun pendingOutput() = 77L
                        override fun handler() = "its handler"
                    })
                    val reading = async("the reader") { server.read(ByteBuffer.allocate(1)) }
                    val parked = eventually { reactor.lookAt(server.connection).also { it.parked() shouldHaveSize 1 } }
                    parked.parked().single().operation() shouldBe "read"
                    parked.parked().single().waiter() shouldContain "ThreadWaiter"
                    parked.pendingOutput() shouldBe 77
                    parked.handler() shouldBe "its handler"
                    val limits = parked.limits()
                    limits.idleTimeout() shouldBe Duration.ofMinutes(3)
                    limits.readTimeout() shouldBe Duration.ofMinutes(2)
                    limits.writeTimeout() shouldBe null
                    limits.readDeadline() shouldBe null
                    limits.writeDeadline().shouldNotBeNull() shouldBeLessThanOrEqualTo Duration.ofMinutes(1)
                    limits.writeDeadline().shouldNotBeNull() shouldBeGreaterThan Duration.ofSeconds(30)
                    client.write("z")
                    reading.result() shouldBe 1

                    client.connection.shutdownOutput()
                    server.readIsAtEnd() shouldBe true
                    reactor.lookAt(server.connection).state() shouldBe ConnectionSnapshot.State.HALF_CLOSED
                    val peer = server.connection.remoteAddress()
                    server.close()
                    reactor.look().map { it.peer() }.contains(peer).shouldBeFalse()
                }
            }
        }
    }

    test("a connection is as old as the clock of its loop says, and counts the time since its last byte by the kernel's") {
        val clock = HandMovedClock()
        TestReactor(configure = { clock(clock) }).use { reactor ->
            reactor.pair().use { _, server ->
                clock.move(5.minutes, reactor.group)
                val seen = reactor.lookAt(server.connection)
                seen.age() shouldBe Duration.ofMinutes(5)
                seen.idle().shouldNotBeNull() shouldBeLessThanOrEqualTo Duration.ofMinutes(1)
            }
        }
    }

    test("unix sockets are shown, too, though the kernel does not know how long they are idle") {
        TestReactor(loops = 2).use { reactor ->
            ConnectionDescriptor.pair(reactor.group.loops()[0], reactor.group.loops()[1]).use {
                val seen = reactor.look()
                seen.map { it.loop() } shouldContainExactly reactor.group.loops().map { it.toString() }
                seen.map { it.idle() } shouldContainExactly listOf(null, null)
            }
        }
    }

    test("a connection whose peer has not answered yet is connecting, and one that was reset is gone until it is closed") {
        TestReactor().use { reactor ->
            BlackHole().use { hole ->
                reactor.dial(hole.address).use {
                    val seen = eventually { reactor.look().single() }
                    seen.state() shouldBe ConnectionSnapshot.State.CONNECTING
                    seen.peer() shouldBe hole.address
                }
            }
            reactor.pair().use { client, server ->
                client.connection.reset()
                eventually { reactor.lookAt(server.connection).state() shouldBe ConnectionSnapshot.State.GONE }
                server.close()
                reactor.look().shouldBeEmpty()
            }
        }
    }

    test("what is in the kernel's hands is no pending output, and a handshake is told from an open connection by its TLS") {
        TestReactor().use { reactor ->
            reactor.oursAndPeer(peerEngine(Role.SERVER, "TLSv1.3")).use { ends ->
                ends.begin(Role.SERVER.tls(EngineFlavour.JDK, "TLSv1.3"))
                val during = reactor.look().single { it.state() == ConnectionSnapshot.State.HANDSHAKE }
                during.tls() shouldBe null
                ends.peer.handshake()
                eventually {
                    val after = reactor.look().single { it.tls() != null }
                    after.state() shouldBe ConnectionSnapshot.State.OPEN
                    after.tls().shouldNotBeNull() shouldStartWith "TLSv1.3 TLS_"
                }
            }
        }
    }

    test("a walk through many takes 64 a turn, and everything else that the loop has to do goes on between") {
        TestReactor().use { reactor ->
            val pairs = List(1000) { ConnectionDescriptor.pair(reactor.loop, reactor.loop) }
            try {
                // A task that queues itself again runs once a turn.
                val turns = AtomicInteger()
                val over = AtomicBoolean()
                fun turn() {
                    turns.incrementAndGet()
                    if (!over.get()) reactor.loop.execute(::turn)
                }
                reactor.loop.execute(::turn)
                val before = turns.get()
                reactor.look() shouldHaveSize 2000
                turns.get() - before shouldBeGreaterThanOrEqual 2000 / 64
                over.set(true)
            } finally {
                pairs.forEach { it.close() }
            }
        }
    }

    test("while connections come and go, those that stay are each seen once") {
        TestReactor(loops = 2).use { reactor ->
            val staying = List(300) { ConnectionDescriptor.pair(reactor.group.loops()[0], reactor.group.loops()[1]) }
            val over = AtomicBoolean()
            val coming = thread {
                while (!over.get()) List(20) { ConnectionDescriptor.pair(reactor.group.next(), reactor.group.next()) }.forEach { it.close() }
            }
            try {
                staying.forEachIndexed { i, pair ->
                    listOf(pair.first, pair.second).forEach {
                        it.setAttendant(object : Attendant {
                            override fun pendingOutput() = 0L
                            override fun handler() = "stays $i"
                        })
                    }
                }
                repeat(50) {
                    val seen = reactor.look().mapNotNull { it.handler() }.groupingBy { it }.eachCount()
                    seen.size shouldBe 300
                    seen.values.toSet() shouldBe setOf(2)
                }
            } finally {
                over.set(true)
                coming.join()
                staying.forEach { it.close() }
            }
        }
    }

    test("a loop that is held is named when the time is over, with its stack; the others are told, and it comes back") {
        TestReactor(loops = 2, configure = { name("hold") }).use { reactor ->
            val (first, second) = reactor.group.loops()
            ConnectionDescriptor.pair(first, second).use {
                first.heldDuring("the long tale") {
                    // The other loop may take longer to answer than that, on a machine that is at work elsewhere.
                    val seen = eventually {
                        reactor.group.connections(Duration.ofMillis(50)).also { it.silent() shouldContainExactly listOf("hold-loop-0") }
                    }
                    seen.connections().map { it.loop() } shouldContainExactly listOf("hold-loop-1")

                    val health = eventually {
                        reactor.group.health(Duration.ofMillis(50)).also { health ->
                            health.loops().map { it.answers() } shouldContainExactly listOf(false, true)
                            health.loops()[0].stack().map { it.methodName }.contains("await").shouldBeTrue()
                        }
                    }
                    health.isWell.shouldBeFalse()
                    val held = health.loops()[0]
                    held.occupation() shouldBe "\"the long tale\""
                    held.sinceTurn() shouldBeGreaterThan Duration.ofMillis(49)
                    // The second look knows that the first has found it at the same thing.
                    val again = reactor.group.health(Duration.ofMillis(50)).loops()[0]
                    again.sinceTurn() shouldBeGreaterThan held.sinceTurn().plusMillis(49)
                    reactor.group.dump() shouldContain "\"hold-loop-0\" DOES NOT TURN"
                }
                eventually { reactor.group.health().isWell.shouldBeTrue() }
                reactor.look() shouldHaveSize 2
            }
        }
    }

    test("a group with metrics knows since when a loop is held, and one without since when that is looked at") {
        for (counts in listOf(true, false)) {
            val clock = HandMovedClock()
            TestReactor(configure = { clock(clock).metrics(counts) }).use { reactor ->
                reactor.loop.heldDuring {
                    clock.move(5.minutes)
                    val held = reactor.group.health(Duration.ofMillis(1)).loops().single()
                    held.answers().shouldBeFalse()
                    held.sinceTurn() shouldBe if (counts) Duration.ofMinutes(5) else Duration.ZERO
                }
            }
        }
    }

    test("a loop that is held does not gather a task with each look") {
        TestReactor(loops = 2).use { reactor ->
            val first = reactor.group.loops().first()
            first.heldDuring {
                repeat(5) {
                    reactor.group.health(Duration.ofMillis(5))
                    reactor.group.connections(Duration.ofMillis(5))
                }
                reactor.group.health(Duration.ofMillis(5)).loops()[0].pendingTasks() shouldBeLessThanOrEqual 1
            }
            eventually { reactor.group.health().isWell.shouldBeTrue() }
        }
    }

    test("many who look at once all get an answer") {
        TestReactor(loops = 2).use { reactor ->
            val pairs = List(100) { ConnectionDescriptor.pair(reactor.group.loops()[0], reactor.group.loops()[1]) }
            try {
                val looks = List(8) { async { List(20) { reactor.look().size } } }
                looks.forEach { look -> look.result().toSet() shouldBe setOf(200) }
            } finally {
                pairs.forEach { it.close() }
            }
        }
    }

    test("a thread that is interrupted sees that the loops turn, and all connections, and stays interrupted") {
        TestReactor(loops = 2).use { reactor ->
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use {
                val (well, connections, interrupted) = async {
                    Thread.currentThread().interrupt()
                    val well = reactor.group.health().isWell
                    val connections = reactor.look().size
                    Triple(well, connections, Thread.interrupted())
                }.result()
                well.shouldBeTrue()
                connections shouldBe 2
                interrupted.shouldBeTrue()
            }
        }
    }

    test("a loop that the group has given up, and that ends before it is asked, does not make the group unwell") {
        TestReactor().use { reactor ->
            fun subject(name: String, retiring: Boolean, walks: Walks) = Subject(name, reactor.loop.poller(), walks, { 0L }) { answers, since ->
                LoopHealth(name, answers, Duration.ofNanos(since), retiring, 0, 0, null, emptyList())
            }
            val turns = subject("turns", false, Walks(reactor.loop::tryExecute))
            val limit = Duration.ofSeconds(30).toNanos()
            val retired = Inspector(Clock.SYSTEM).health(listOf(turns, subject("retired", true, Walks { false })), null, limit)
            retired.loops().map { it.name() } shouldContainExactly listOf("turns")
            retired.isWell.shouldBeTrue()
            val closed = Inspector(Clock.SYSTEM).health(listOf(turns, subject("closed", false, Walks { false })), null, limit)
            closed.loops().map { it.answers() } shouldContainExactly listOf(true, false)
            closed.isWell.shouldBeFalse()
        }
    }

    test("a loop that closes between two slices has told all, as nothing is left of it") {
        TestReactor().use { reactor ->
            val pairs = List(40) { ConnectionDescriptor.pair(reactor.loop, reactor.loop) }
            val tasks = AtomicInteger()
            val walks = Walks { task -> tasks.getAndIncrement() == 0 && reactor.loop.tryExecute(task) }
            val loop = Subject("closes", reactor.loop.poller(), walks, { 0L }) { _, _ -> error("nobody asks for its health") }
            Inspector(Clock.SYSTEM).connections(listOf(loop), Duration.ofSeconds(30).toNanos()).silent().shouldBeEmpty()
            tasks.get() shouldBe 2
            pairs.forEach { it.close() }
        }
    }

    test("who cannot tell where it is parked hides nothing else from a look") {
        TestReactor().use { reactor ->
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use { pair ->
                val waiter = object : Waiter {
                    override fun run() {}
                    override fun frames() = Supplier<List<StackTraceElement>> { throw NoSuchElementException("for the test") }
                }
                pair.first().park(Direction.READ, waiter).shouldBeTrue()
                val seen = reactor.look()
                seen shouldHaveSize 2
                seen.flatMap { it.parked() }.single().frames().shouldBeEmpty()
                reactor.reporter.drain().single().cause.message shouldBe "for the test"
                pair.first().unpark(Direction.READ, waiter).shouldBeTrue()
            }
        }
    }

    test("a connection is looked at on its loop only") {
        TestReactor().use { reactor ->
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use { pair ->
                shouldThrow<IllegalStateException> { pair.first().look() }.message shouldContain "only its event loop"
            }
        }
    }

    test("on an event loop a look is refused, as it would wait for itself") {
        TestReactor(loops = 2).use { reactor ->
            val refusal = reactor.onLoop { shouldThrow<IllegalStateException> { reactor.group.connections() } }
            refusal.message shouldContain "ask on another thread"
            reactor.onLoop { shouldThrow<IllegalStateException> { reactor.group.health() } }
            reactor.onLoop { shouldThrow<IllegalStateException> { reactor.group.dump() } }
        }
    }

    test("what a look throws is reported, the loop is named, and goes on") {
        TestReactor().use { reactor ->
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use { pair ->
                pair.first().setAttendant(object : Attendant {
                    override fun pendingOutput(): Long = throw OutOfMemoryError("for the test")
                    override fun handler() = null
                })
                reactor.group.connections().silent() shouldContainExactly listOf(reactor.loop.toString())
                eventually { reactor.reporter.reports shouldHaveSize 1 } // by the loop, behind the walk
                reactor.reporter.drain().single().cause.message shouldBe "for the test"
                reactor.group.health().isWell.shouldBeTrue()
            }
        }
    }

    test("a group that is closed has no connections, and is not well") {
        val reactor = TestReactor(loops = 2)
        reactor.close()
        reactor.look().shouldBeEmpty()
        reactor.group.health().isWell.shouldBeFalse()
    }

    test("listeners are told by what they are at, and how many descriptors are left") {
        TestReactor().use { reactor ->
            reactor.listen(admission = Admission.of(1, Admission.Excess.WAIT)).use { listener ->
                fun state() = reactor.group.health().listeners().single().state()
                val accepting = async { listener.accept() }
                eventually { state() shouldBe ListenerHealth.State.ACCEPTING }
                reactor.connect(listener.address).use {
                    accepting.result().use {
                        val full = async { listener.accept() }
                        reactor.connect(listener.address).use {
                            eventually { state() shouldBe ListenerHealth.State.FULL }
                            accepting.result().close()
                            full.result().close()
                        }
                    }
                }
                val health = reactor.group.health()
                health.listeners().single().address() shouldBe listener.address
                health.openDescriptors() shouldBeGreaterThanOrEqual openDescriptors().toLong()
                health.mostDescriptors() shouldBeGreaterThan health.openDescriptors()
                health.descriptorsLeft() shouldBe health.mostDescriptors() - health.openDescriptors()
            }
        }
    }

    test("a dump has loops, listeners, connections, their limits, and who is parked") {
        TestReactor(loops = 2, configure = { name("dumped") }).use { reactor ->
            reactor.listen().use { listener ->
                val client = reactor.dial(listener.address)
                (client to listener.accept()).use { _, server ->
                    client.connect()
                    server.connection.setDeadline(Direction.READ, System.nanoTime() + 60.seconds.inWholeNanoseconds)
                    val reading = async { server.read(ByteBuffer.allocate(1)) }
                    eventually { reactor.lookAt(server.connection).parked() shouldHaveSize 1 }
                    val dump = reactor.group.dump()
                    dump shouldStartWith "2 event loops, 1 listener, 2 connections, "
                    dump shouldContain "\"dumped-loop-1\" turned "
                    dump shouldContain "listener on 127.0.0.1:${listener.address.port}: "
                    dump shouldContain "connection to ${server.connection.remoteAddress().toString().removePrefix("/")}"
                    dump shouldContain Regex("read deadline in [1-5]?[0-9]\\.[0-9]{3} s")
                    dump shouldContain "parked to read: io.netpark.core.testing.ThreadWaiter"
                    dump shouldNotContain "DOES NOT TURN"
                    client.write("!")
                    reading.result() shouldBe 1
                }
            }
        }
    }

    test("a group that is registered can be asked by JMX, under its name, until that ends") {
        TestReactor(loops = 2, configure = { name("jmx") }).use { reactor ->
            val server = ManagementFactory.getPlatformMBeanServer()
            ConnectionDescriptor.pair(reactor.loop, reactor.loop).use {
                val managed = ManagedLoops.register(reactor.group, "api, first")
                managed.use {
                    shouldThrow<IllegalStateException> { ManagedLoops.register(reactor.group, "api, first") }
                        .message shouldContain "already"
                    server.getAttribute(managed.objectName(), "Well") shouldBe true
                    server.getAttribute(managed.objectName(), "SilentLoops") shouldBe emptyArray<String>()
                    server.invoke(managed.objectName(), "dump", null, null) as String shouldContain "\"jmx-loop-0\" turned"
                }
                server.isRegistered(managed.objectName()).shouldBeFalse()
                managed.close()
            }
        }
    }

    test("a registration that is closed again does not end that of another group by its name") {
        TestReactor().use { reactor ->
            val first = ManagedLoops.register(reactor.group, "api, again")
            first.close()
            ManagedLoops.register(reactor.group, "api, again").use { second ->
                first.close()
                ManagementFactory.getPlatformMBeanServer().isRegistered(second.objectName()).shouldBeTrue()
            }
        }
    }

    test("Flight Recorder gets an event for each connection, with what a look at it finds") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                server.write("x".repeat(10))
                client.readFully(10)
                server.connection.setAttendant(object : Attendant {
                    override fun pendingOutput() = 77L
                    override fun handler() = "its handler"
                })
                server.connection.setIdleTimeout(Duration.ofHours(3).toNanos())
                server.connection.setTimeout(Direction.READ, Duration.ofHours(2).toNanos())
                server.connection.setDeadline(Direction.WRITE, System.nanoTime() + Duration.ofHours(1).toNanos())
                // Nothing was ever sent to it, so no event is on its way that could wake who is parked.
                val waiter = object : Waiter {
                    override fun run() {}
                    override fun who() = "the reader"
                    override fun frames() = Supplier<List<StackTraceElement>> {
                        listOf(StackTraceElement("Api", "readCommand", "Api.kt", 48), StackTraceElement("Api", "serve", "Api.kt", 21))
                    }
                }
                server.connection.park(Direction.READ, waiter).shouldBeTrue()
                val file = Files.createTempFile("netpark", ".jfr")
                Recording().use { recording ->
                    ConnectionRecording.of(reactor.group).use {
                        recording.enable("netpark.Connection").with("period", "everyChunk")
                        recording.start()
                        recording.stop()
                    }
                    recording.dump(file)
                }
                server.connection.unpark(Direction.READ, waiter).shouldBeTrue()
                val seen = RecordingFile.readAllEvents(file).filter { it.eventType.name == "netpark.Connection" }
                Files.delete(file)
                val texts = listOf("loop", "state", "tls", "handler", "parked")
                val numbers = listOf("bytesIn", "bytesOut", "pendingOutput", "readTimeout", "writeTimeout", "idleTimeout", "readDeadline")
                val none = Long.MIN_VALUE
                val parked = "read: the reader at Api.readCommand(Api.kt:48), Api.serve(Api.kt:21)"
                val (ofServer, ofClient) = listOf(server, client).map { AddressText.of(it.connection.remoteAddress()) }
                // Of each there is one at least, and all are the same, as nothing happens meanwhile.
                fun RecordedEvent.fields(): List<Any> = texts.map<String, Any> { getString(it) } + numbers.map<String, Any> { getLong(it) }
                seen.groupBy({ it.getString("peer") }) { it.fields() }.mapValues { (_, found) -> found.distinct() } shouldBe mapOf(
                    ofServer to listOf(
                        listOf(
                            "${reactor.loop}", "OPEN", "", "its handler", parked,
                            0L, 10L, 77L, Duration.ofHours(2).toNanos(), none, Duration.ofHours(3).toNanos(), none,
                        ),
                    ),
                    ofClient to listOf(listOf("${reactor.loop}", "OPEN", "", "", "", 10L, 0L, 0L, none, none, none, none)),
                )
                for (event in seen) {
                    event.getDuration("age") shouldBeGreaterThan Duration.ZERO
                    if (event.getString("peer") == ofServer) {
                        event.getDuration("writeDeadline") shouldBeLessThanOrEqualTo Duration.ofHours(1)
                        event.getDuration("writeDeadline") shouldBeGreaterThan Duration.ofMinutes(30)
                    } else {
                        event.getLong("writeDeadline") shouldBe none
                    }
                }
            }
        }
    }
})
