package io.netpark.core.fd

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.ThreadWaiter
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.failure
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.parkThread
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds

class DeadlineSpec : NetparkSpec(body = {
    fun pair(name: String, body: TestReactor.(client: BlockingConnection, server: BlockingConnection) -> Unit) =
        test(name) { TestReactor().use { reactor -> reactor.pair().use { client, server -> reactor.body(client, server) } } }

    fun BlockingConnection.setReadDeadline(fromNow: Duration): Long =
        fromNow(fromNow).also { connection.setDeadline(Direction.READ, it) }

    /** A read that is parked, to be retried by hand. */
    fun ConnectionDescriptor.parkRead(): ThreadWaiter {
        startRead(ByteBuffer.allocate(10)) shouldBe Descriptor.PARK
        return ThreadWaiter().also { park(Direction.READ, it) shouldBe true }
    }

    fun ConnectionDescriptor.retryRead(): Int = retryRead(ByteBuffer.allocate(10))

    pair("R9: a parked read ends not before its deadline") { _, server ->
        repeat(20) {
            val deadline = server.setReadDeadline((it * 150).microseconds)
            shouldThrow<NetparkException.TimedOut> { server.readSome() }
            System.nanoTime() - deadline shouldBeGreaterThanOrEqualTo 0
        }
    }

    pair("moved later it fires later, moved earlier it fires earlier, cleared never") { client, server ->
        server.setReadDeadline(20.milliseconds)
        val later = server.setReadDeadline(60.milliseconds)
        shouldThrow<NetparkException.TimedOut> { server.readSome() }
        System.nanoTime() - later shouldBeGreaterThanOrEqualTo 0

        server.setReadDeadline(1.hours)
        val reader = async { server.readSome() }
        awaitParkedThreads()
        server.setReadDeadline(10.milliseconds)
        (reader.failure() is NetparkException.TimedOut) shouldBe true

        server.setReadDeadline(10.milliseconds)
        server.connection.clearDeadline(Direction.READ)
        val next = async { server.readSome() }
        Thread.sleep(30)
        next.isDone shouldBe false
        client.write("x")
        next.result() shouldBe "x"
    }

    pair("a deadline that has passed wins over data, for as long as it stands") { client, server ->
        client.write("x")
        server.setReadDeadline((-1).milliseconds)
        repeat(2) { shouldThrow<NetparkException.TimedOut> { server.readSome() } }
        server.setReadDeadline(1.hours)
        server.readSome() shouldBe "x"
    }

    pair("a past deadline wakes a parked operation at once; the other direction is not concerned") { client, server ->
        val reader = async { server.readSome() }
        awaitParkedThreads()
        server.connection.setDeadline(Direction.WRITE, fromNow((-1).milliseconds))
        server.setReadDeadline((-1).milliseconds)
        (reader.failure() is NetparkException.TimedOut) shouldBe true
        shouldThrow<NetparkException.TimedOut> { server.write("x") }
        client.write("y")
    }

    pair("E3: an operation that was timed out goes on, if the deadline is extended before it runs") { client, server ->
        val waiter = server.connection.parkRead()
        server.setReadDeadline((-1).milliseconds)
        waiter.await() shouldBe true
        server.setReadDeadline(1.hours)
        server.connection.retryRead() shouldBe Descriptor.PARK
        client.write("x")
        server.connection.parkThread(Direction.READ)
        server.connection.retryRead() shouldBe 1
    }

    test("E4: a timer armed for an earlier deadline ends nothing") {
        val clock = HandMovedClock()
        TestReactor(configure = { clock(clock) }).use { reactor ->
            reactor.pair().use { client, server ->
                val waiter = server.connection.parkRead()
                repeat(10) {
                    for (time in listOf(200.milliseconds, 1.hours)) {
                        server.connection.setDeadline(Direction.READ, clock.after(time.inWholeNanoseconds))
                    }
                }
                clock.pass(300.milliseconds, reactor)
                waiter.runs shouldBe 0
                client.write("x")
                waiter.await() shouldBe true
                server.connection.retryRead() shouldBe 1
            }
        }
    }

    pair("E2: a wake-up meant for an earlier park makes the next one look again, no more") { client, server ->
        val connection = server.connection
        val first = connection.parkRead()
        client.write("x")
        first.await() shouldBe true
        connection.retryRead() shouldBe 1
        val waiter = connection.parkRead()
        connection.nudge(Direction.READ) // what a timer frozen before its compare-and-set would do
        waiter.await() shouldBe true
        connection.retryRead() shouldBe Descriptor.PARK
        connection.abandon(Direction.READ)
    }

    test("setting a deadline before each of many operations moves no timer: the loop is not woken") {
        val calls = CallCounter()
        TestReactor(calls.libc).use { reactor ->
            reactor.pair().use { _, server ->
                server.setReadDeadline(1.hours)
                val writes = calls["write"]
                repeat(10_000) { server.setReadDeadline(1.hours + it.milliseconds) }
                calls["write"] - writes shouldBeLessThan 2
            }
        }
    }

    pair("deadlines set from all sides at random never end an operation too early") { client, server ->
        val reader = async { server.readFully(2_000) }
        val setters = List(2) { thread ->
            async {
                repeat(2_000) {
                    if (it % 3 == 0) server.connection.clearDeadline(Direction.READ)
                    else server.setReadDeadline(1.hours + (it * thread).milliseconds)
                }
            }
        }
        repeat(2_000) { client.write("x") }
        setters.forEach { it.result() }
        reader.result().size shouldBe 2_000
    }
})
