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
import io.netpark.coroutines.greetOnSimulatedNetwork
import io.netpark.coroutines.greeter
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
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
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
