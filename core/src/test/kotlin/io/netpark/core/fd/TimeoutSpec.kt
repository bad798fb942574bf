package io.netpark.core.fd

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Due
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
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.Duration.Companion.seconds

/** Timeouts, which count for each operation anew, beside deadlines, which [DeadlineSpec] is about. */
class TimeoutSpec : NetparkSpec(body = {
    fun pair(name: String, body: TestReactor.(client: BlockingConnection, server: BlockingConnection) -> Unit) =
        test(name) { TestReactor().use { reactor -> reactor.pair().use { client, server -> reactor.body(client, server) } } }

    /** In time that stands still until it is moved: what must not be late is not, however long a thread is held up. */
    fun moved(name: String, body: TestReactor.(clock: HandMovedClock, client: BlockingConnection, server: BlockingConnection) -> Unit) =
        test(name) {
            val clock = HandMovedClock()
            TestReactor(configure = { clock(clock) }).use { reactor ->
                reactor.pair().use { client, server -> reactor.body(clock, client, server) }
            }
        }

    fun ConnectionDescriptor.setReadTimeout(timeout: Duration) =
        setTimeout(Direction.READ, if (timeout.isInfinite()) Due.FOREVER else timeout.inWholeNanoseconds)

    fun BlockingConnection.setReadTimeout(timeout: Duration) = connection.setReadTimeout(timeout)

    fun ConnectionDescriptor.startRead(): Int = startRead(ByteBuffer.allocate(10))

    fun ConnectionDescriptor.retryRead(): Int = retryRead(ByteBuffer.allocate(10))

    /** A read that is parked, to be retried by hand. */
    fun ConnectionDescriptor.parkRead(): ThreadWaiter {
        startRead() shouldBe Descriptor.PARK
        val waiter = ThreadWaiter()
        while (!park(Direction.READ, waiter)) retryRead() shouldBe Descriptor.PARK // readiness of earlier bytes
        return waiter
    }

    pair("R9: each read has its time anew, ends not before it, and says that it was the timeout") { _, server ->
        repeat(20) {
            val timeout = 1.nanoseconds + (it * 150).microseconds
            server.setReadTimeout(timeout)
            val begun = System.nanoTime()
            val failure = shouldThrow<NetparkException.TimedOut> { server.readSome() }
            System.nanoTime() - begun shouldBeGreaterThanOrEqualTo timeout.inWholeNanoseconds
            failure.timeout() shouldBe NetparkException.Timeout.READ
            failure.message!! shouldContain "the timeout of ${timeout.inWholeMilliseconds} ms passed"
        }
    }

    moved("reads that come in time may take longer together than the timeout") { clock, client, server ->
        server.setReadTimeout(300.milliseconds)
        repeat(8) {
            val reader = async { server.readSome() }
            awaitParkedThreads()
            clock.pass(299.milliseconds, this)
            client.write("x")
            reader.result() shouldBe "x"
        }
    }

    moved("a timeout that passes between two operations ends neither") { clock, client, server ->
        server.setReadTimeout(20.milliseconds)
        val first = server.connection.parkRead()
        client.write("x")
        first.await() shouldBe true
        server.connection.retryRead() shouldBe 1
        clock.pass(60.milliseconds, this) // the timer fires
        client.write("y")
        server.readSome() shouldBe "y"
        server.connection.startRead() shouldBe Descriptor.PARK
        server.connection.abandon(Direction.READ)
        clock.pass(60.milliseconds, this)
        client.write("z")
        server.readSome() shouldBe "z"
    }

    pair("an operation that has just been timed out does not end the next one") { client, server ->
        server.setReadTimeout(10.milliseconds)
        repeat(3) {
            val waiter = server.connection.parkRead()
            waiter.await() shouldBe true
            server.connection.abandon(Direction.READ) // cancelled, before it could look
            client.write("x")
            server.readSome() shouldBe "x"
        }
    }

    test("a direction whose time cannot begin, for want of memory, has not been reserved") {
        val clock = object : Clock() {
            @Volatile var without: Thread? = null

            override fun nanoTime(): Long =
                if (Thread.currentThread() === without) throw OutOfMemoryError("of the test") else SYSTEM.nanoTime()

            override fun draw(bound: Long): Long = SYSTEM.draw(bound)

            override fun park(blocker: Any, nanos: Long) = SYSTEM.park(blocker, nanos)
        }
        TestReactor(configure = { clock(clock) }).use { reactor ->
            reactor.pair().use { client, server ->
                client.connection.setTimeout(Direction.WRITE, 1.hours.inWholeNanoseconds)
                clock.without = Thread.currentThread()
                shouldThrow<OutOfMemoryError> { client.connection.reserve(Direction.WRITE) }
                clock.without = null
                client.connection.isInUse(Direction.WRITE) shouldBe false
                client.write("x")
                server.readSome() shouldBe "x"
                client.connection.reserve(Direction.WRITE) shouldBe true
                client.connection.abandon(Direction.WRITE)
                val before = reactor.loop.descriptors()
                client.close() // at once, if nothing holds a reference
                reactor.loop.descriptors() shouldBe before - 1
            }
        }
    }

    pair("a read that finds bytes is not concerned by a timeout, however short") { client, server ->
        client.write("xxxxx")
        server.setReadTimeout(1.nanoseconds)
        repeat(5) { server.readSome(1) shouldBe "x" }
        shouldThrow<NetparkException.TimedOut> { server.readSome() }
    }

    pair("of deadline and timeout the earlier strikes, and the error says which") { _, server ->
        server.setReadTimeout(10.milliseconds)
        server.connection.setDeadline(Direction.READ, fromNow(1.hours))
        shouldThrow<NetparkException.TimedOut> { server.readSome() }.message!! shouldContain "the timeout of 10 ms passed"
        server.setReadTimeout(1.hours)
        server.connection.setDeadline(Direction.READ, fromNow(10.milliseconds))
        repeat(2) { shouldThrow<NetparkException.TimedOut> { server.readSome() }.message!! shouldContain "the deadline passed" }
        server.setReadTimeout(1.nanoseconds)
        shouldThrow<NetparkException.TimedOut> { server.readSome() }.message!! shouldContain "the deadline passed" // it starts too late
    }

    pair("what the loop sets is not undone by what another thread has set before") { _, server ->
        val connection = server.connection
        val deadline = { time: Duration -> connection.setDeadline(Direction.READ, fromNow(time)) }
        val timeout = { time: Duration -> connection.setReadTimeout(time) }
        val idle = { time: Duration -> connection.setIdleTimeout(time.inWholeNanoseconds) }
        for (set in listOf(deadline, timeout, idle)) {
            val read = async { server.readSome() }
            awaitParkedThreads()
            connection.loop().submit {
                async { set(1.hours) }.result()
                set(20.milliseconds)
            }.result()
            (read.failure() is NetparkException.TimedOut) shouldBe true
            connection.clearDeadline(Direction.READ)
            connection.setReadTimeout(Duration.INFINITE)
        }
    }

    moved("changed while a read is parked, it counts from then on: longer, shorter, none") { clock, client, server ->
        val connection = server.connection
        server.setReadTimeout(100.milliseconds)
        val patient = connection.parkRead()
        clock.pass(60.milliseconds, this)
        server.setReadTimeout(1.hours)
        clock.pass(200.milliseconds, this)
        patient.runs shouldBe 0
        server.setReadTimeout(10.milliseconds)
        clock.pass(9.milliseconds, this)
        patient.runs shouldBe 0
        clock.pass(1.milliseconds, this)
        patient.await() shouldBe true
        shouldThrow<NetparkException.TimedOut> { connection.retryRead() }.message!! shouldContain "the timeout of 10 ms passed"

        server.setReadTimeout(100.milliseconds)
        val endless = connection.parkRead()
        server.setReadTimeout(Duration.INFINITE)
        clock.pass(200.milliseconds, this)
        endless.runs shouldBe 0
        client.write("x")
        endless.await() shouldBe true
        connection.retryRead() shouldBe 1

        val late = connection.parkRead()
        server.setReadTimeout(10.milliseconds) // it had none when it parked
        clock.pass(10.milliseconds, this)
        late.await() shouldBe true
        shouldThrow<NetparkException.TimedOut> { connection.retryRead() }
    }

    pair("E3: a read that was timed out goes on, if the timeout is changed before it runs") { client, server ->
        for (timeout in listOf(1.hours, Duration.INFINITE)) {
            server.setReadTimeout(1.milliseconds)
            server.connection.parkRead().await() shouldBe true
            server.setReadTimeout(timeout)
            server.connection.retryRead() shouldBe Descriptor.PARK
            client.write("x")
            server.connection.parkThread(Direction.READ)
            server.connection.retryRead() shouldBe 1
        }
    }

    moved("E3: a read that a deadline has ended goes on with its timeout, if the deadline is taken away before it runs") {
            clock, _, server ->
        val connection = server.connection
        connection.setReadTimeout(50.milliseconds)
        val waiter = connection.parkRead()
        connection.setDeadline(Direction.READ, clock.after(-1))
        waiter.await() shouldBe true
        connection.clearDeadline(Direction.READ)
        connection.retryRead() shouldBe Descriptor.PARK
        val again = ThreadWaiter()
        connection.park(Direction.READ, again) shouldBe true
        clock.pass(50.milliseconds, this)
        again.await() shouldBe true
        shouldThrow<NetparkException.TimedOut> { connection.retryRead() }.message!! shouldContain "the timeout of 50 ms"
    }

    moved("a read that has been woken by bytes is on its way, and is not timed out") { clock, client, server ->
        server.setReadTimeout(20.milliseconds)
        val waiter = server.connection.parkRead()
        client.write("x")
        waiter.await() shouldBe true
        clock.pass(100.milliseconds, this) // its dispatcher is busy
        server.connection.retryRead() shouldBe 1
    }

    pair("directions have timeouts of their own; none is the default, and nothing else is not positive") { client, server ->
        val connection = server.connection
        connection.timeoutNanos(Direction.READ) shouldBe Due.FOREVER
        connection.setTimeout(Direction.WRITE, 5_000)
        connection.timeoutNanos(Direction.READ) shouldBe Due.FOREVER
        connection.timeoutNanos(Direction.WRITE) shouldBe 5_000
        connection.setTimeout(Direction.WRITE, Long.MAX_VALUE)
        connection.timeoutNanos(Direction.WRITE) shouldBe Due.FOREVER
        for (nanos in listOf(0L, -1L, Long.MIN_VALUE)) {
            shouldThrow<IllegalArgumentException> { connection.setTimeout(Direction.READ, nanos) }
            shouldThrow<IllegalArgumentException> { connection.setIdleTimeout(nanos) }
        }
        connection.setReadTimeout(1.milliseconds)
        shouldThrow<NetparkException.TimedOut> { server.readSome() }
        server.write("y")
        client.readSome() shouldBe "y"
    }

    moved("who gives a connection to another takes its times away") { clock, client, server ->
        val connection = server.connection
        connection.setReadTimeout(1.milliseconds)
        connection.setIdleTimeout(1_000_000_000)
        connection.setDeadline(Direction.READ, clock.after(-1))
        connection.forgetTimes()
        connection.deadline(Direction.READ) shouldBe 0
        connection.timeoutNanos(Direction.READ) shouldBe Due.FOREVER
        connection.idleTimeoutNanos() shouldBe Due.FOREVER
        val waiter = connection.parkRead()
        clock.pass(3.seconds, this)
        waiter.runs shouldBe 0
        client.write("x")
        waiter.await() shouldBe true
        connection.retryRead() shouldBe 1
    }

    test("many operations that park move no timer: the loop is not woken for it") {
        val calls = CallCounter()
        TestReactor(calls.libc).use { reactor ->
            reactor.pair().use { _, server ->
                server.setReadTimeout(1.hours)
                server.connection.startRead() shouldBe Descriptor.PARK
                server.connection.abandon(Direction.READ)
                val writes = calls["write"]
                repeat(10_000) {
                    server.connection.startRead() shouldBe Descriptor.PARK
                    server.connection.abandon(Direction.READ)
                }
                calls["write"] - writes shouldBeLessThan 2
            }
        }
    }

    pair("a timeout that is set while an operation is about to park is not missed") { _, server ->
        val connection = server.connection
        lateinit var waiter: ThreadWaiter
        var waits = false
        race(
            5_000,
            {
                waiter = ThreadWaiter()
                connection.startRead() shouldBe Descriptor.PARK
                waits = connection.park(Direction.READ, waiter)
            },
            { connection.setReadTimeout(20.microseconds) },
            beforeEach = { connection.setReadTimeout(Duration.INFINITE) },
            afterEach = {
                if (waits) waiter.await() shouldBe true
                var outcome: Result<Int>
                do { // what another round has left may wake it without a cause
                    outcome = runCatching { connection.retryRead() }
                    if (outcome.isSuccess) {
                        outcome.getOrThrow() shouldBe Descriptor.PARK
                        connection.parkThread(Direction.READ)
                    }
                } while (outcome.isSuccess)
                (outcome.exceptionOrNull() is NetparkException.TimedOut) shouldBe true
            },
        )
    }

    pair("expiry, readiness and cancellation race: no operation is ended by the timeout of another") { client, server ->
        val connection = server.connection
        val timeout = 50.microseconds
        connection.setReadTimeout(timeout)
        val single = ByteBuffer.allocate(1)
        race(
            20_000,
            { round ->
                val begun = System.nanoTime()
                val waiter = ThreadWaiter()
                if (connection.startRead() == Descriptor.PARK) {
                    val waits = connection.park(Direction.READ, waiter)
                    if (round % 3 == 0) {
                        if (waits) connection.unpark(Direction.READ, waiter)
                        connection.abandon(Direction.READ)
                    } else {
                        if (waits) check(waiter.await()) { "not woken" }
                        try {
                            if (connection.retryRead() == Descriptor.PARK) connection.abandon(Direction.READ)
                        } catch (_: NetparkException.TimedOut) {
                            val time = (System.nanoTime() - begun).nanoseconds
                            check(time >= timeout) { "timed out after $time" }
                        }
                    }
                }
            },
            { round -> if (round % 2 == 0) client.write(single.clear()) },
            { round -> if (round % 5 == 0) connection.setReadTimeout(timeout) },
        )
    }

    pair("expiry and close race: closed is what is said, and each is woken once") { _, _ ->
        repeat(300) { round ->
            pair().use { _, server ->
                val connection = server.connection
                connection.setReadTimeout(200.microseconds)
                val waiter = connection.parkRead()
                val end = System.nanoTime() + round * 1000
                while (System.nanoTime() - end < 0) Thread.onSpinWait()
                connection.close()
                waiter.await() shouldBe true
                waiter.runs shouldBe 1
                shouldThrow<NetparkException.Closed> { connection.retryRead() }
            }
        }
    }
})
