package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.micrometer.core.instrument.simple.SimpleMeterRegistry
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.jfr.FlightRecording
import io.netpark.core.micrometer.NetparkMeters
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.Admission
import io.netpark.core.poll.Pollable
import io.netpark.core.pool.Pool
import io.netpark.core.pool.PoolOptions
import io.netpark.core.report.LoopSnapshot
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.both
import io.netpark.core.testing.tls.tlsPair
import io.netpark.core.tls.ClientTls
import io.netpark.core.report.PeerFault
import io.netpark.core.report.PeerFaults
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import io.netpark.core.tls.ServerTls
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordingFile
import kotlin.math.roundToInt
import kotlin.math.roundToLong

class SnapshotSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: connections, bytes, parked operations, tasks and timers are counted, on the loop and off it") {
            TestReactor(flavour.libc, flavour.poller.factory, 2, { metrics(true) }).use { reactor ->
                val group = reactor.group
                reactor.pair().use { client, server ->
                    client.write("x".repeat(1000))
                    server.readFully(1000)
                    // And once by the loop itself.
                    val bytes = ByteBuffer.allocateDirect(500)
                    server.connection.loop().submit(Callable { server.connection.startWrite(bytes) }).get()
                    client.readFully(500)
                    val total = group.snapshot().total()
                    total.connections() shouldBe 2
                    total.connectionsEver() shouldBe 2
                    total.bytesIn() shouldBe 1500
                    total.bytesOut() shouldBe 1500
                    val reading = async { server.read(ByteBuffer.allocate(1)) }
                    eventually { group.snapshot().total().parked() shouldBe 1 }
                    client.write("y")
                    reading.result() shouldBe 1
                    val timer = group.first().schedule({}, 1, TimeUnit.HOURS)
                    eventually { group.snapshot().loops()[0].pendingTimers() shouldBe 1 }
                    timer.cancel(false) // by a task of the loop, which shall not be among those counted below
                    eventually { group.snapshot().loops()[0].pendingTimers() shouldBe 0 }
                }
                eventually { group.snapshot().total().connections() shouldBe 0 }
                val before = group.snapshot().total()
                repeat(100) { group.first().submit {}.get() }
                val after = eventually { // the last turn may not have ended when its task has
                    group.snapshot().total().also { it.tasks() - before.tasks() shouldBe 100 }
                }
                after.wakeups() shouldBeGreaterThan 0
                after.turns().count() shouldBeGreaterThan before.turns().count()
                after.events() shouldBeGreaterThan 0
                after.turns().sum() shouldBeGreaterThan before.turns().sum()
                group.snapshot().loops().map { it.name() } shouldContainExactly group.loops().map { it.toString() }
            }
        }
    }

    test("what a loop has counted that has retired is in the total still") {
        TestReactor(loops = 2, configure = { metrics(true) }).use { reactor ->
            val last = reactor.group.loops().last()
            repeat(10) { last.submit {}.get() }
            val tasks = reactor.group.snapshot().total().tasks()
            reactor.group.resize(1)
            eventually { last.isTerminated shouldBe true }
            reactor.group.snapshot().loops() shouldHaveSize 1
            reactor.group.snapshot().total().tasks() shouldBeGreaterThan tasks - 1
        }
    }

    test("what peers do to their own connections is counted by its kind, and what is dropped by its bytes; everything else is left to be reported") {
        TestReactor(loops = 2, configure = { metrics(true) }).use { reactor ->
            val loop = reactor.loop
            val byPeers = listOf(
                NetparkException.Reset("r"), NetparkException.Truncated("t"), NetparkException.LimitExceeded("l"),
            ) + listOf(
                NetparkException.Timeout.READ, NetparkException.Timeout.READ, NetparkException.Timeout.WRITE, NetparkException.Timeout.IDLE,
                NetparkException.Timeout.EXCHANGE, NetparkException.Timeout.HANDSHAKE, NetparkException.Timeout.PEER,
            ).map { NetparkException.TimedOut(it, "too late") }
            byPeers.forEach { loop.countIfByPeer(it) shouldBe true }
            val others = listOf(
                IllegalStateException("bug"), NetparkException.Closed("c"), NetparkException.Refused("r"), OutOfMemoryError(),
                NetparkException.TimedOut(NetparkException.Timeout.BORROW, "borrow"),
            )
            others.forEach { loop.countIfByPeer(it) shouldBe false }
            reactor.group.loops()[1].count(PeerFault.RESET)
            val faults = PeerFaults(
                mapOf(
                    PeerFault.RESET to 2L, PeerFault.TRUNCATED to 1L, PeerFault.LIMIT to 1L, PeerFault.READ_TIMED_OUT to 2L,
                    PeerFault.WRITE_TIMED_OUT to 1L, PeerFault.IDLE_TIMED_OUT to 1L, PeerFault.EXCHANGE_TIMED_OUT to 2L,
                    PeerFault.PEER_TIMED_OUT to 1L,
                ),
            )
            reactor.group.snapshot().total().peerFaults() shouldBe faults
            reactor.group.loops().forEach { it.counters()!!.handlerFailed() }
            reactor.group.snapshot().total().handlerFailures() shouldBe 2
            for (bytes in longArrayOf(1, 0, 2)) reactor.group.loops()[1].countDropped(bytes)
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            for (kind in PeerFault.entries) {
                registry.get("netpark.peer.faults").tag("kind", kind.name.lowercase()).functionCounter().count() shouldBe faults.of(kind).toDouble()
            }
            registry.get("netpark.handler.failures").functionCounter().count() shouldBe 2.0
            registry.get("netpark.bytes.dropped").functionCounter().count() shouldBe 3.0
            reactor.group.resize(1)
            eventually { reactor.group.retiring() shouldHaveSize 0 }
            reactor.group.snapshot().total().peerFaults() shouldBe faults
            reactor.group.snapshot().total().handlerFailures() shouldBe 2
            reactor.group.snapshot().total().bytesDropped() shouldBe 3
        }
        TestReactor().use { // and counted by nobody
            it.loop.countIfByPeer(NetparkException.Reset("r")) shouldBe true
            it.loop.countDropped(1)
        }
    }

    test("a group without metrics counts nothing and says so") {
        TestReactor().use { reactor ->
            reactor.loop.counters() shouldBe null
            shouldThrow<IllegalStateException> { reactor.group.snapshot() }.message!! shouldContain "metrics(true)"
            shouldThrow<IllegalStateException> { NetparkMeters(reactor.group, "x") }
        }
    }

    test("observers are told of connections opened, closed and refused, and may throw without harm") {
        val seen = ConcurrentLinkedQueue<String>()
        val observer = object : Observer {
            override fun opened(loop: EventLoop, connection: Pollable) { seen += "opened" }
            override fun closed(loop: EventLoop, connection: Pollable) { seen += "closed" }
            override fun refused(loop: EventLoop, listener: Pollable) { seen += "refused" }
        }
        val thrower = object : Observer {
            override fun closed(loop: EventLoop, connection: Pollable) = throw IllegalStateException("on purpose")
        }
        TestReactor(configure = { observer(Observer.all(observer, thrower)).metrics(true) }).use { reactor ->
            reactor.listen(admission = Admission.of(1, Admission.Excess.REFUSE)).use { listener ->
                reactor.connect(listener.address).use { client ->
                    val accepted = listener.accept()
                    val accepting = async { runCatching { listener.accept() } }
                    val refused = reactor.dial(listener.address)
                    eventually { seen.contains("refused") shouldBe true }
                    reactor.group.snapshot().total().refused() shouldBe 1
                    refused.close()
                    accepted.close()
                    client.close()
                    listener.close()
                    accepting.result()
                }
            }
            eventually { seen.groupingBy { it }.eachCount() shouldBe mapOf("opened" to 3, "closed" to 3, "refused" to 1) }
            // The one that throws is told after the other one.
            eventually { reactor.reporter.reports.count { it.what.contains("observer") && it.cause.message == "on purpose" } shouldBe 3 }
            reactor.reporter.drain()
        }
    }

    test("episodes without descriptors are counted and told") {
        val dry = object : LibC by Bindings.best {
            @Volatile
            var errno = 0

            override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int =
                if (errno != 0) -errno else Bindings.best.accept4(fd, sockaddr, lengthAddress, flags)
        }
        TestReactor(dry, configure = { metrics(true) }).use { reactor ->
            reactor.listen().use { listener ->
                for (episode in 1L..2L) {
                    dry.errno = Errno.EMFILE
                    val accepting = async { listener.accept() }
                    reactor.connect(listener.address).use {
                        eventually { reactor.group.snapshot().total().acceptPauses() shouldBe episode }
                        dry.errno = 0
                        accepting.result().close()
                    }
                }
            }
            reactor.reporter.drain() shouldHaveSize 2
        }
    }

    test("Flight Recorder gets the events") {
        val file = Files.createTempFile("netpark", ".jfr")
        try {
            Recording().use { recording ->
                recording.start()
                TestReactor(configure = { observer(FlightRecording()).watchdog(Duration.ofMillis(50)) }).use { reactor ->
                    reactor.pair().use { _, _ -> }
                    // The loop is held until that is told, however late the watchdog comes to look.
                    reactor.loop.submit { eventually { reactor.reporter.reports.shouldNotBeEmpty() } }.result()
                    reactor.group.close()
                    // More than one, as a loop whose thread gets no processor is held as well.
                    reactor.reporter.drain().forEach { it.what shouldContain "held" }
                }
                recording.dump(file)
            }
            val events = RecordingFile.readAllEvents(file).filter { it.eventType.name.startsWith("netpark.") }
            val counts = events.map { it.eventType.name.substringAfter('.') }.groupingBy { it }.eachCount()
            counts - "LoopHeld" shouldBe mapOf("ConnectionOpened" to 2, "ConnectionClosed" to 2)
            events.filter { it.eventType.name.endsWith("Opened") }.forEach { it.getString("connection") shouldContain "127.0.0.1" }
            val held = events.filter { it.eventType.name.endsWith("Held") } // more than one if the machine stood still as well
            held.forAll { it.getDuration("heldFor").toMillis() shouldBeGreaterThan 49 }
            held.shouldNotBeEmpty()
        } finally {
            Files.delete(file)
        }
    }

    test("Micrometer reads the same numbers") {
        TestReactor(configure = { metrics(true) }).use { reactor ->
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            val pool = SegmentPool.builder().build()
            NetparkMeters.of(pool, "mine").bindTo(registry)
            reactor.pair().use { client, server ->
                client.write("abc")
                server.readFully(3)
                eventually { registry.get("netpark.connections").tag("group", "test").gauge().value() shouldBe 2.0 }
                registry.get("netpark.bytes.in").functionCounter().count() shouldBe 3.0
                registry.get("netpark.bytes.out").functionCounter().count() shouldBe 3.0
                registry.get("netpark.loops").gauge().value() shouldBe 1.0
            }
            val segment = pool.take(100)
            registry.get("netpark.segments.lent").tag("pool", "mine").gauge().value() shouldBe 1.0
            segment.release()
            registry.get("netpark.segments.lent").gauge().value() shouldBe 0.0
        }
    }

    test("Micrometer tells how many TLS handshakes there were, how long they took, and how many failed by which fault") {
        TestReactor(configure = { metrics(true) }).use { reactor ->
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            fun failures(kind: String) = registry.get("netpark.tls.failures").tag("kind", kind).functionCounter().count()
            reactor.tlsPair(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"), TlsEnds.client(EngineFlavour.JDK, "TLSv1.3")).use { one, other ->
                both({ one.awaitTls() }, { other.awaitTls() })
                val handshakes = registry.get("netpark.tls.handshakes").tag("group", "test").functionTimer()
                eventually { // what it tells may be some ms old
                    handshakes.count() shouldBe 2.0 // a server's and a client's
                    // By way of seconds: of some numbers that comes back a little beside a whole one.
                    handshakes.totalTime(TimeUnit.NANOSECONDS).roundToLong() shouldBe
                        reactor.group.snapshot().total().handshakes().durations().sum().toNanos()
                }
                registry.get("netpark.tls.handshakes.resumed").functionCounter().count() shouldBe 0.0
            }
            failures("not_tls") shouldBe 0.0
            reactor.pair().use { plain, server ->
                server.connection.startTls(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"), null, -1, null)
                plain.write("GET / HTTP/1.1\r\n\r\n")
                shouldThrow<NetparkException.TlsFailure> { server.awaitTls() }
                eventually { failures("not_tls") shouldBe 1.0 }
                (TlsFault.entries.map { it.name.lowercase() } + "timed_out" - "not_tls").forAll { failures(it) shouldBe 0.0 }
            }
        }
    }

    test("Micrometer tells when the first certificate of a configuration expires, also after a reload") {
        val folder = Files.createTempDirectory("netpark")
        try {
            val (chain, key) = folder.resolve("chain") to folder.resolve("key")
            fun write(identity: Identity) {
                identity.writeChain(chain)
                identity.writeKey(key)
            }
            fun lasting(days: Long) =
                TlsEnds.root.order("server.test").valid(Instant.now() - Duration.ofDays(9), Instant.now() + Duration.ofDays(days)).issue()
            write(lasting(100))
            val later = lasting(200)
            val tls = ServerTls.builder().certificate(chain, key).certificate(later.chain(), later.key()).build()
            val registry = SimpleMeterRegistry()
            NetparkMeters.of(tls, "mine").bindTo(registry)
            fun days() = (registry.get("netpark.tls.certificate.expiry").tag("tls", "mine").timeGauge().value(TimeUnit.HOURS) / 24).roundToInt()
            days() shouldBe 100
            write(lasting(-3)) // it has expired
            tls.reload()
            days() shouldBe -3
            write(lasting(300))
            tls.reload()
            days() shouldBe 200
        } finally {
            folder.toFile().deleteRecursively()
        }
    }

    test("the table in docs/operation.md names exactly what there is") {
        val registry = SimpleMeterRegistry()
        val meters = TestReactor(configure = { metrics(true) }).use { reactor ->
            NetparkMeters(reactor.group, "x").bindTo(registry)
            NetparkMeters.of(SegmentPool.builder().build(), "x").bindTo(registry)
            NetparkMeters.of(ClientTls.system(), "x").bindTo(registry)
            NetparkMeters.of(Pool(Dialer.of(reactor.group), PoolOptions.DEFAULT), "x").bindTo(registry)
            registry.meters.map { it.id.name }.toSet()
        }
        val document = Files.readString(Path.of("../docs/operation.md"))
        Regex("`(netpark\\.[a-z.]+)`").findAll(document).map { it.groupValues[1] }.toSet() shouldBe meters
        val components = LoopSnapshot::class.java.recordComponents.map { it.name } - "name"
        components.filterNot { "`$it`" in document } shouldBe emptyList()
    }
})
