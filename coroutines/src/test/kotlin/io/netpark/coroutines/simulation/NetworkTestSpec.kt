package io.netpark.coroutines.simulation

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.coroutines.Connection
import io.netpark.coroutines.echo
import io.netpark.coroutines.greetOnSimulatedNetwork
import io.netpark.coroutines.greeter
import io.netpark.coroutines.readText
import io.netpark.coroutines.write
import io.netpark.simulation.kernel.Limits
import io.netpark.simulation.kernel.SimulatedKernel
import io.netpark.simulation.link.LinkConditions
import io.netpark.simulation.schedule.StuckException
import io.netpark.simulation.schedule.Trace
import java.nio.ByteBuffer
import java.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

class NetworkTestSpec : NetparkSpec(body = {

    test("one seed is one order of all calls, however often it is run") {
        for (seed in 1L..8L) {
            val (first, second) = List(2) { greetings(seed) }
            withClue("seed $seed") {
                second.last(4096) shouldContainExactly first.last(4096)
                second.fingerprint() shouldBe first.fingerprint()
            }
        }
        (1L..8L).map { greetings(it).fingerprint() }.toSet().size shouldBeGreaterThan 4
    }

    test("the example of the documentation") { greetOnSimulatedNetwork() }

    test("a time limit of hours passes at once, that of an operation and that of a coroutine") {
        runNetworkTest(1) {
            val (client, silent) = host("here").reactor.pair()
            client.readTimeout = 3.hours
            shouldThrow<NetparkException.TimedOut> { client.read(ByteBuffer.allocate(1)) }
            elapsed shouldBe 3.hours
            shouldThrow<TimeoutCancellationException> { withTimeout(2.hours) { client.read(ByteBuffer.allocate(1)) } }
            elapsed shouldBe 5.hours
            advanceTimeBy(1.minutes)
            elapsed shouldBe 5.hours + 1.minutes
            silent.close()
        }
    }

    test("a dial by name takes a round trip of the link") {
        runNetworkTest(2) {
            val server = host("db.internal")
            val client = host("client")
            network.between("db.internal", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(30)))
            server.reactor.listen(server.address(6379)).use {
                client.reactor.dial(client.dialer, "db.internal", 6379).close()
                elapsed shouldBe 60.milliseconds
            }
        }
    }

    test("what is counted of durations is of this time, to the nanosecond") {
        runNetworkTest(2) {
            val server = host("db.internal")
            val client = host("client").reactor(loops = 1) { metrics(true) }
            network.between("db.internal", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(30)))
            server.reactor.listen(server.address(6379)).use {
                client.dial(client.dialer.withResolver(network.resolver()), "db.internal", 6379).use { advanceTimeBy(2.hours) }
            }
            val total = client.group.snapshot().total()
            total.dials().connected().count() shouldBe 1
            total.dials().connected().sum() shouldBe Duration.ofMillis(60)
            total.lives().sum() shouldBe Duration.ofHours(2).plusMillis(60)
            total.turns().sum() shouldBe Duration.ZERO // nobody does anything while time passes
        }
    }

    test("a host that cannot be reached: the dial's own time limit ends it") {
        runNetworkTest(3) {
            val server = host("server")
            val client = host("client")
            server.reactor.listen(server.address(7000)).use {
                network.isolate("server")
                shouldThrow<NetparkException.TimedOut> { client.reactor.dial(server.address(7000), 5.seconds) }
                elapsed shouldBe 5.seconds
                network.rejoin("server")
                client.reactor.dial(server.address(7000), 5.seconds).close()
            }
        }
    }

    test("what the test has launched ends with it") {
        var ended = false
        runNetworkTest(4) {
            launch {
                try {
                    delay(1.hours)
                } finally {
                    ended = true
                }
            }
            delay(1.seconds)
            elapsed shouldBe 1.seconds
        }
        ended shouldBe true
    }

    test("a test that waits for what cannot come fails, and says who waits where") {
        val stuck = shouldThrow<StuckException> {
            runNetworkTest(5) {
                val server = host("server")
                server.reactor.listen(server.address(7000)).use { it.accept() }
            }
        }
        stuck.message shouldContain "server-loop-0 waits in epollWait("
        shouldThrow<StuckException> { runNetworkTest(5) { CompletableDeferred<Unit>().await() } }
    }

    test("who is stuck is reported with the connection that it is parked on, and the line") {
        val stuck = shouldThrow<StuckException> {
            runNetworkTest(5) {
                val server = host("server")
                val listener = server.reactor.listen(server.address(7000))
                launch { listener.serve { waitForAWord(it) } }
                host("client").reactor.dial(server.address(7000)).use { waitForAWord(it) }
            }
        }
        val report = stuck.message!!
        report shouldContain "test 1 waits for a condition"
        report shouldContain "client-loop-0 waits in epollWait("
        report shouldContain "connection to 10.0.0.1:7000"
        report shouldContain "connection to 10.0.0.2:"
        report.split("parked to read: coroutine").size shouldBe 3 // both sides
        report.split("at io.netpark.coroutines.simulation.NetworkTestSpecKt.waitForAWord(NetworkTestSpec.kt:").size shouldBe 3
    }

    test("a dispatcher of the test takes part in the order, and its delays are of this time") {
        for (seed in 1L..5L) withClue("seed $seed") {
            val (first, second) = List(2) { onThreads(seed) }
            second.last(4096) shouldContainExactly first.last(4096)
            second.fingerprint() shouldBe first.fingerprint()
        }
    }

    test("a dispatcher of the test runs so many at a time, also of those that block") {
        for ((parallelism, time) in listOf(1 to 4.minutes, 2 to 2.minutes, 4 to 1.minutes)) {
            runNetworkTest(9) {
                val threads = dispatcher(parallelism)
                List(4) { launch(threads) { schedule.sleep(Duration.ofMinutes(1)) } }.joinAll()
                elapsed shouldBe time
            }
        }
    }

    test("a network that falls into two goes on on both sides, and is one again") {
        runNetworkTest(seeds = 1L..3L) {
            val hosts = listOf("a", "b", "c", "d").map { host(it) }
            hosts.map { it.reactor.listen(it.address(7000)) }.forEach { launch { it.serve { connection -> echo(connection) } } }
            val pairs = hosts.flatMap { one -> hosts.filter { it !== one }.map { one to it } }
            suspend fun reachable() = pairs.filter { (one, other) -> one.reaches(other) }
            val (a, b, c, d) = hosts
            val across = a.reactor.dial(c.address(7000))
            reachable() shouldContainExactly pairs
            network.isolate("a", "b")
            reachable() shouldContainExactly listOf(a to b, b to a, c to d, d to c)
            across.write("still there?")
            across.readTimeout = 1.minutes
            shouldThrow<NetparkException.TimedOut> { across.readText(12) }
            network.rejoin("a", "b")
            reachable() shouldContainExactly pairs
            across.readTimeout = 10.minutes // the next attempt to send it comes late, as those before were in vain
            across.readText(12) shouldBe "still there?"
            across.close()
        }
    }

    val wants = mapOf(
        "memory" to { limits: Limits -> limits.memory(false) },
        "room for open files" to { limits: Limits -> limits.files(1) },
        "descriptors" to { limits: Limits -> limits.descriptors(1) },
    )
    for ((what, take) in wants) {
        test("a host that has no $what accepts nobody, tells that, and goes on when it has") {
            val reporter = RecordingReporter()
            runNetworkTest(10) {
                val server = host("server")
                val listener = server.reactor(loops = 1) { reporter(reporter) }.listen(server.address(7000))
                launch { listener.serve { echo(it) } }
                val limits = server.kernel.limits()
                take(limits)
                host("client").reactor.dial(server.address(7000)).use { client ->
                    client.write("!")
                    delay(1.minutes)
                    reporter.drain().size shouldBeGreaterThan 0
                    limits.memory(true)
                    limits.files(Int.MAX_VALUE)
                    limits.descriptors(1000)
                    client.readTimeout = 1.minutes
                    client.readText(1) shouldBe "!"
                }
            }
        }
    }

    test("a descriptor that nobody closes is a failure") {
        shouldThrow<AssertionError> { runNetworkTest(11) { host("server").kernel.eventfd(0, 0) } }
            .message shouldBe "left open on server: the descriptors [3]"
    }

    test("a failure has the seed and the last calls with it") {
        val failure = shouldThrow<IllegalStateException> {
            runNetworkTest(6) {
                host("server").reactor
                error("no")
            }
        }
        failure.suppressed.single().message shouldContain "seed 6 does that again"
        failure.suppressed.single().message shouldContain "test-loop-0 epollCreate() = "
    }

    test("a child that fails fails the test") {
        shouldThrow<IllegalStateException> {
            runNetworkTest(7) {
                launch { error("no") }
                delay(1.hours)
            }
        }
    }

    test("nothing is left open") {
        for (seed in 1L..20L) {
            val kernels = mutableListOf<SimulatedKernel>()
            runNetworkTest(seed) {
                val server = host("server")
                val client = host("client")
                kernels += listOf(server.kernel, client.kernel)
                server.reactor.listen(server.address(1))
                client.reactor.dial(server.address(1))
            }
            kernels.flatMap { it.descriptors() }.shouldBeEmpty()
        }
    }
})

/** Not with its last call, or nobody could tell that it was here. */
private suspend fun waitForAWord(connection: Connection) {
    check(connection.reader.awaitLine() == "word")
}

private suspend fun TestHost.reaches(other: TestHost): Boolean = try {
    reactor.dial(other.address(7000), 5.seconds).use {
        it.write("!")
        it.readText(1) == "!"
    }
} catch (_: NetparkException.TimedOut) {
    false
}

/** Coroutines on threads talk over connections of an event loop. */
private fun onThreads(seed: Long): Trace {
    lateinit var trace: Trace
    runNetworkTest(seed) {
        trace = schedule.trace()
        val threads = dispatcher(2)
        val reactor = host("here").reactor
        val said = List(4) { number ->
            async(threads) {
                reactor.pair().use { (client, server) ->
                    delay(number.hours)
                    client.write("$number")
                    server.readText(1)
                }
            }
        }.awaitAll()
        said shouldBe listOf("0", "1", "2", "3")
        elapsed shouldBe 3.hours
        withContext(threads) { shouldThrow<TimeoutCancellationException> { withTimeout(2.hours) { awaitCancellation() } } }
        elapsed shouldBe 5.hours
    }
    return trace
}

/** Four clients are greeted by a server of two loops, over a link with jitter. */
private fun greetings(seed: Long): Trace {
    lateinit var trace: Trace
    runNetworkTest(seed) {
        trace = schedule.trace()
        val server = host("server")
        val client = host("client")
        network.between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(5)).withJitter(Duration.ofMillis(5)))
        val listener = server.reactor(loops = 2).listen(server.address(7000))
        launch { listener.serve { greeter(it) } }
        val names = listOf("ann", "ben", "cleo", "dan")
        names.map { name ->
            async {
                client.reactor.dial(server.address(7000)).use { connection ->
                    repeat(3) {
                        connection.write("$name\n".toByteArray())
                        connection.reader.awaitLine() shouldBe "hello $name"
                    }
                }
            }
        }.awaitAll()
    }
    return trace
}
