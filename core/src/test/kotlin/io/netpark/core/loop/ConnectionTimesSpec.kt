package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.micrometer.core.instrument.simple.SimpleMeterRegistry
import io.netpark.core.jfr.FlightRecording
import io.netpark.core.micrometer.NetparkMeters
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.dialing.Resolver
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.poll.Pollable
import io.netpark.core.report.DialFault
import io.netpark.core.report.LoopSnapshot
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.BlackHole
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Outcome
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.tls
import java.net.InetAddress
import java.net.UnknownHostException
import java.nio.file.Files
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordedEvent
import jdk.jfr.consumer.RecordingFile
import kotlin.time.Duration.Companion.seconds

private fun seconds(count: Long): Duration = Duration.ofSeconds(count)

private val TestReactor.total: LoopSnapshot get() = group.snapshot().total()

/** Answers when it is told to. */
private class HeldResolver : Resolver {
    private val asked = CountDownLatch(1)
    private val answer = CompletableFuture<List<InetAddress>>()

    override fun resolve(host: String): CompletableFuture<List<InetAddress>> = answer.also { asked.countDown() }

    fun awaitQuestion() = asked.await()

    fun answer(vararg hosts: String) = answer.complete(hosts.map { InetAddress.getByName(it) })

    fun fail(failure: Exception) = answer.completeExceptionally(failure)
}

/** Writes down what it is told of durations. */
private class Notes : Observer {
    val lines = ConcurrentLinkedQueue<String>()

    override fun closed(loop: EventLoop, connection: Pollable, life: Duration) {
        lines += "closed ${life.seconds}"
    }

    override fun resolved(loop: EventLoop, host: String, took: Duration, failure: Throwable?) {
        lines += "resolved $host ${took.seconds} ${failure?.javaClass?.simpleName}"
    }

    override fun dialed(loop: EventLoop, remote: String, took: Duration, failure: NetparkException?) {
        lines += "dialed $remote ${took.seconds} ${failure?.javaClass?.simpleName}"
    }

    override fun secured(loop: EventLoop, connection: Pollable, took: Duration, protocol: String, resumed: Boolean) {
        lines += "secured ${took.seconds} $protocol $resumed"
    }

    override fun notSecured(loop: EventLoop, connection: Pollable, took: Duration, why: NetparkException) {
        lines += "not secured ${took.seconds} ${why.javaClass.simpleName}"
    }
}

/** Lives, dials, look-ups and handshakes, by a clock that only the test moves. */
class ConnectionTimesSpec : NetparkSpec(body = {
    class Timed(val clock: HandMovedClock, val notes: Notes, val reactor: TestReactor) {
        val dialer: Dialer = Dialer.of(reactor.group)
        fun pass(seconds: Int) = clock.pass(seconds.seconds, reactor)
    }

    fun timed(flavour: Flavour? = null, body: Timed.() -> Unit) {
        val clock = HandMovedClock()
        val notes = Notes()
        val configure: EventLoopGroup.Builder.() -> Unit = { clock(clock).metrics(true).observer(Observer.all(notes)) }
        val reactor = if (flavour == null) TestReactor(configure = configure) else TestReactor(flavour, 1, configure)
        reactor.use { Timed(clock, notes, it).body() }
    }

    for (flavour in Flavour.all) {
        test("$flavour: a connection has lived until it is closed here, whoever has opened it") {
            timed(flavour) {
                val (client, server) = reactor.pair()
                pass(5)
                server.close()
                eventually { reactor.total.lives().sum() shouldBe seconds(5) }
                pass(2)
                client.close()
                eventually { reactor.total.lives().count() shouldBe 2 } // counted behind the sum
                reactor.total.lives().sum() shouldBe seconds(12)
                reactor.total.lives().longest() shouldBe seconds(7)
                eventually { notes.lines.toList() shouldContainExactly listOf("closed 5", "closed 7") }
            }
        }
    }

    test("a connection that is given away has lived, and lives again where it is adopted") {
        timed {
            val pair = ConnectionDescriptor.pair(reactor.loop, reactor.loop)
            pass(3)
            val detached = pair.first().detach()
            pass(4)
            ConnectionDescriptor.adopt(reactor.loop, detached).use { pass(1) }
            pair.second().close()
            eventually { reactor.total.lives().count() shouldBe 3 }
            reactor.total.lives().sum() shouldBe seconds(12) // 3, 1 and 8
        }
    }

    test("what was never established had no life") {
        timed {
            HeldPort().use { nobody -> shouldThrow<NetparkException.Refused> { reactor.connect(nobody.address) } }
            BlackHole().use { hole ->
                val dialing = reactor.dial(hole.address)
                pass(3)
                dialing.close()
            }
            eventually { notes.lines.toList() shouldContain "closed 3" } // told behind what is counted
            reactor.total.connections() shouldBe 0
            reactor.total.lives().count() shouldBe 0
        }
    }

    test("a dial by name takes as long as its resolver, and as the handshake behind that") {
        timed {
            val resolver = HeldResolver()
            reactor.listen().use { listener ->
                val outcome = Outcome()
                dialer.withResolver(resolver).withTls(TlsEnds.client(EngineFlavour.JDK, "TLSv1.3"))
                    .dial(TlsEnds.HOST, listener.address.port, outcome)
                resolver.awaitQuestion()
                pass(2)
                resolver.answer("127.0.0.1")
                listener.accept().use { accepted ->
                    eventually { notes.lines shouldHaveSize 1 }
                    pass(3)
                    accepted.connection.startTls(TlsEnds.server(EngineFlavour.JDK, "TLSv1.3"), null, -1, null)
                    outcome.await().use {
                        val total = reactor.total
                        total.lookUps().sum() shouldBe seconds(2)
                        total.dials().connected().sum() shouldBe seconds(5)
                        total.dials().connected().count() shouldBe 1
                        total.dials().failed() shouldBe mapOf()
                        notes.lines.first() shouldBe "resolved ${TlsEnds.HOST} 2 null"
                        notes.lines.toList() shouldContain "dialed ${TlsEnds.HOST}:${listener.address.port} 5 null"
                        accepted.awaitTls()
                    }
                }
            }
        }
    }

    test("an address is not looked up") {
        timed {
            reactor.listen().use { listener ->
                dialer.await("127.0.0.1", listener.address.port).close()
                dialer.await(listener.address).close()
                reactor.total.lookUps().count() shouldBe 0
                reactor.total.dials().connected().count() shouldBe 2
            }
        }
    }

    test("a look-up that finds nothing has taken its time, and the dial has failed") {
        val answers = listOf<Pair<String, (HeldResolver) -> Unit>>(
            "UnknownHostException" to { it.answer() },
            "IllegalStateException" to { it.fail(IllegalStateException("no network")) },
        )
        for ((failure, answer) in answers) timed {
            val resolver = HeldResolver()
            val outcome = Outcome().also { dialer.withResolver(resolver).dial("nowhere", 1, it) }
            resolver.awaitQuestion()
            pass(4)
            answer(resolver)
            shouldThrow<NetparkException.UnknownHost> { outcome.await() }
            reactor.total.lookUps().sum() shouldBe seconds(4)
            reactor.total.dials().failed() shouldBe mapOf(DialFault.UNKNOWN_HOST to 1L)
            reactor.total.dials().connected().count() shouldBe 0
            notes.lines.toList() shouldContainExactly listOf("resolved nowhere 4 $failure", "dialed nowhere:1 4 UnknownHost")
        }
    }

    test("a resolver that does not answer is a dial that has timed out, and no look-up") {
        timed {
            val resolver = HeldResolver()
            val outcome = Outcome().also { dialer.withResolver(resolver).withTimeout(seconds(6)).dial("slow", 1, it) }
            resolver.awaitQuestion()
            pass(6)
            shouldThrow<NetparkException.TimedOut> { outcome.await() }
            resolver.answer("127.0.0.1") // too late
            reactor.onLoop {}
            reactor.total.lookUps().count() shouldBe 0
            reactor.total.dials().failed() shouldBe mapOf(DialFault.TIMED_OUT to 1L)
            notes.lines.toList() shouldContainExactly listOf("dialed slow:1 6 TimedOut")
        }
    }

    test("dials that fail are counted by kind, and those that are cancelled are not") {
        timed {
            val resolver = HeldResolver()
            val cancelled = dialer.withResolver(resolver).dial("nowhere", 1, Outcome())
            resolver.awaitQuestion()
            cancelled.cancel() shouldBe true
            HeldPort().use { nobody ->
                repeat(2) { shouldThrow<NetparkException.Refused> { dialer.await(nobody.address) } }
                notes.lines.filter { it.startsWith("dialed") } shouldBe List(2) { "dialed 127.0.0.1:${nobody.port} 0 Refused" }
            }
            reactor.listen().use { listener ->
                val answering = async {
                    listener.accept().use {
                        it.write("220 welcome\r\n")
                        it.readAll()
                    }
                }
                shouldThrow<NetparkException.TlsFailure> {
                    dialer.withTls(TlsEnds.client(EngineFlavour.JDK, "TLSv1.3")).await(listener.address)
                }
                answering.handle { _, _ -> }.result()
            }
            reactor.total.dials().failed() shouldBe mapOf(DialFault.REFUSED to 2L, DialFault.TLS to 1L)
            reactor.total.dials().connected().count() shouldBe 0
        }
    }

    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) {
        test("a handshake takes from its beginning until data can be exchanged, and one that fails is told with its time: $role, $protocol") {
            timed {
                reactor.oursAndPeer(role, protocol).begin(role.tls(EngineFlavour.JDK, protocol)).use { pair ->
                    pass(3)
                    pair.peer.handshake()
                    pair.ours.awaitTls()
                    reactor.total.handshakes().durations().sum() shouldBe seconds(3)
                    reactor.total.handshakes().finished() shouldBe 1
                    notes.lines.toList() shouldContainExactly listOf("secured 3 $protocol false")
                }
                reactor.oursAndPeer(role, protocol).begin(role.tls(EngineFlavour.JDK, protocol)).use { pair ->
                    pass(2)
                    pair.peer.plain.write("220 this is no TLS, and long enough to be seen as such\r\n")
                    shouldThrow<NetparkException.TlsFailure> { pair.ours.awaitTls() }
                    reactor.total.handshakes().finished() shouldBe 1
                    reactor.total.handshakes().failed() shouldBe mapOf(TlsFault.NOT_TLS to 1L)
                    notes.lines.toList() shouldContain "not secured 2 TlsFailure"
                }
            }
        }
    }

    test("Micrometer has each as a timer, and as gauges of how many took at most so long") {
        timed {
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            val resolver = HeldResolver()
            reactor.listen().use { listener ->
                val outcome = Outcome().also { dialer.withResolver(resolver).dial("here", listener.address.port, it) }
                resolver.awaitQuestion()
                pass(2)
                resolver.answer("127.0.0.1")
                outcome.await().use { pass(1) }
            }
            HeldPort().use { nobody -> shouldThrow<NetparkException.Refused> { dialer.await(nobody.address) } }
            // The time of a scrape, which is the group's, moves on by more than a snapshot is kept.
            eventually { reactor.total.lives().count() shouldBe 1 }
            pass(1)
            fun atMost(name: String, bound: String) =
                registry.get("$name.histogram").tags("group", "test", "le", bound).gauge().value()
            for ((name, seconds) in listOf("netpark.lookups" to 2.0, "netpark.dials" to 2.0, "netpark.connections.life" to 1.0)) withClue(name) {
                registry.get(name).tag("group", "test").functionTimer().count() shouldBe 1.0
                registry.get(name).functionTimer().totalTime(TimeUnit.SECONDS) shouldBe seconds
                atMost(name, if (seconds == 2.0) "1" else "0.5") shouldBe 0.0
                atMost(name, if (seconds == 2.0) "2" else "1") shouldBe 1.0
                atMost(name, "+Inf") shouldBe 1.0
            }
            registry.get("netpark.dial.failures").tag("kind", "refused").functionCounter().count() shouldBe 1.0
            registry.get("netpark.dial.failures").tag("kind", "tls").functionCounter().count() shouldBe 0.0
            fun bounds(name: String) = registry.get("$name.histogram").gauges().map { it.id.getTag("le")!! }.filter { it != "+Inf" }
                .map { it.toBigDecimal() }.sorted().map { it.toPlainString() }
            for (name in listOf("netpark.turns", "netpark.delays", "netpark.runs")) {
                bounds(name).take(4) shouldBe listOf("0.000001", "0.000002", "0.000005", "0.00001")
                bounds(name).last() shouldBe "10"
            }
            bounds("netpark.tls.handshakes").let { it.first() to it.last() } shouldBe ("0.0001" to "100")
            bounds("netpark.connections.life").let { it.first() to it.last() } shouldBe ("0.001" to "1000000")
        }
    }

    test("the registry keeps what its meters read") {
        timed {
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            reactor.onLoop { clock.move(1.seconds) }
            repeat(3) { System.gc() }
            eventually {
                pass(1) // else a snapshot is kept
                registry.get("netpark.turns").functionTimer().count() shouldBe reactor.total.turns().count().toDouble()
            }
            registry.get("netpark.turns.histogram").tag("le", "+Inf").gauge().value().isNaN() shouldBe false
        }
    }

    test("Flight Recorder gets how long it took") {
        val file = Files.createTempFile("netpark", ".jfr")
        try {
            Recording().use { recording ->
                recording.start()
                val clock = HandMovedClock()
                TestReactor { clock(clock).metrics(true).observer(FlightRecording()) }.use { reactor ->
                    val resolver = HeldResolver()
                    val dialer = Dialer.of(reactor.group).withResolver(resolver)
                    reactor.listen().use { listener ->
                        val outcome = Outcome().also { dialer.dial("here", listener.address.port, it) }
                        resolver.awaitQuestion()
                        clock.pass(2.seconds, reactor)
                        resolver.answer("127.0.0.1")
                        outcome.await().use { clock.pass(3.seconds, reactor) }
                        reactor.oursAndPeer(Role.SERVER, "TLSv1.3").begin(Role.SERVER.tls(EngineFlavour.JDK, "TLSv1.3")).use { pair ->
                            clock.pass(4.seconds, reactor)
                            pair.peer.handshake()
                            pair.ours.awaitTls()
                        }
                    }
                    HeldPort().use { nobody -> shouldThrow<NetparkException.Refused> { dialer.await(nobody.address) } }
                    shouldThrow<NetparkException.UnknownHost> {
                        dialer.withResolver { CompletableFuture.failedFuture(UnknownHostException("no such name")) }.await("nowhere", 1)
                    }
                    reactor.onLoop { clock.move(5.seconds) }
                    reactor.onLoop {}
                }
                recording.dump(file)
            }
            val events = RecordingFile.readAllEvents(file).filter { it.eventType.name.startsWith("netpark.") }.sortedBy { it.startTime }
            fun told(name: String) = events.filter { it.eventType.name == "netpark.$name" }
            fun RecordedEvent.seconds(field: String = "took") = getDuration(field).seconds
            told("Resolved").map { Triple(it.getString("host"), it.seconds(), it.getString("failure")) } shouldContainExactly
                listOf(Triple("here", 2L, ""), Triple("nowhere", 0L, "java.net.UnknownHostException: no such name"))
            told("Dialed").map { it.getString("outcome") to it.seconds() } shouldContainExactly
                listOf("CONNECTED" to 2L, "REFUSED" to 0L, "UNKNOWN_HOST" to 0L)
            told("Dialed")[1].getString("failure") shouldContain "ECONNREFUSED"
            val handshake = told("Handshake").single()
            listOf(handshake.seconds(), handshake.getString("protocol"), handshake.getBoolean("resumed"), handshake.getString("failure")) shouldBe
                listOf(4L, "TLSv1.3", false, "")
            told("ConnectionClosed").map { it.seconds("life") }.filter { it > 0 }.sorted() shouldContainExactly listOf(3L, 4L, 4L)
            val turn = told("LongTurn").single { it.seconds() == 5L }
            turn.getDuration("longestRun") shouldBe Duration.ZERO
        } finally {
            Files.delete(file)
        }
    }
})
