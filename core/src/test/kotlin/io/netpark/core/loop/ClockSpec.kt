package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.pool.Eviction
import io.netpark.core.pool.Pool
import io.netpark.core.pool.PoolLease
import io.netpark.core.pool.PoolOptions
import io.netpark.core.sys.Clock
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.net.SocketAddress
import java.nio.file.Path
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.io.path.Path
import kotlin.io.path.extension
import kotlin.io.path.isDirectory
import kotlin.io.path.name
import kotlin.io.path.readLines
import kotlin.io.path.walk
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.toJavaDuration

/** All time and all chance of a group come from its clock. Nothing here waits for hours. */
class ClockSpec : NetparkSpec(body = {
    class Moved(val clock: HandMovedClock, val reactor: TestReactor) {
        fun move(time: Duration) = clock.move(time, reactor.group)

        /** Everything that is due has run. */
        fun settle() = reactor.loop.submit {}.result()
    }

    fun moved(name: String, body: Moved.() -> Unit) = test(name) {
        val clock = HandMovedClock()
        TestReactor(configure = { clock(clock) }).use { Moved(clock, it).body() }
    }

    moved("a timer runs when its hour is over, to the nanosecond") {
        reactor.group.clock() shouldBe clock
        reactor.loop.clock() shouldBe clock
        val runs = AtomicInteger()
        val timer = reactor.loop.newTimer(runs::incrementAndGet)
        timer.arm(clock.after(1.hours.toJavaDuration())) shouldBe true
        move(1.hours - 1.nanoseconds)
        repeat(2) { settle() }
        runs.get() shouldBe 0
        move(1.nanoseconds)
        eventually { runs.get() shouldBe 1 }
    }

    test("the time of one group is nothing to another") {
        val clocks = List(2) { HandMovedClock() }
        TestReactor(configure = { clock(clocks[0]) }).use { first ->
            TestReactor(configure = { clock(clocks[1]) }).use { second ->
                TestReactor().use { system ->
                    system.loop.clock() shouldBe Clock.SYSTEM
                    val each = listOf(first, second, system).map { it.loop.schedule<Int>({ 1 }, 1, TimeUnit.HOURS) }
                    clocks[1].move(1.hours, second.group)
                    each[1].result() shouldBe 1
                    first.loop.submit {}.result()
                    system.loop.submit {}.result()
                    each.map { it.isDone } shouldBe listOf(false, true, false)
                    each.forEach { it.cancel(false) }
                }
            }
        }
    }

    moved("a task at a fixed rate makes up for some runs of a day, and stays in step") {
        val runs = AtomicInteger()
        val task = reactor.loop.scheduleAtFixedRate(runs::incrementAndGet, 1, 1, TimeUnit.MINUTES)
        move(1.minutes)
        eventually { runs.get() shouldBe 1 }
        move(24.hours)
        eventually { runs.get() shouldBe 11 }
        settle()
        task.getDelay(TimeUnit.SECONDS) shouldBe 60
        runs.get() shouldBe 11
        task.cancel(false)
    }

    moved("deadlines, timeouts and idle timeouts strike at their instants") {
        val limits = listOf<Pair<NetparkException.Timeout, (BlockingConnection) -> Unit>>(
            NetparkException.Timeout.READ to { it.connection.setTimeout(Direction.READ, 2.hours.inWholeNanoseconds) },
            NetparkException.Timeout.READ to { it.connection.setDeadline(Direction.READ, clock.after(2.hours.inWholeNanoseconds)) },
            NetparkException.Timeout.IDLE to { it.connection.setIdleTimeout(2.hours.inWholeNanoseconds) },
        )
        for ((timeout, limit) in limits) {
            reactor.pair().use { _, server ->
                limit(server)
                val reader = async { server.readSome() }
                awaitParkedThreads()
                move(2.hours - 1.nanoseconds)
                settle()
                reader.isDone shouldBe false
                move(1.nanoseconds)
                (reader.failure() as NetparkException.TimedOut).timeout() shouldBe timeout
            }
        }
    }

    moved("a pool closes what has been idle for its time, and ends the waiting of a borrower") {
        val options = PoolOptions.DEFAULT.withMaxConnections(1)
            .withMaxLifetime(24.hours.toJavaDuration())
            .withIdleTimeout(1.hours.toJavaDuration()).withBorrowTimeout(3.hours.toJavaDuration())
        reactor.listen().use { listener ->
            Pool(Dialer.of(reactor.group), options).use { pool ->
                val lease = pool.borrow(listener.address).result()
                val waiting = pool.borrow(listener.address)
                move(3.hours)
                waiting.failure()
                pool.snapshot().timedOut() shouldBe 1
                pool.snapshot().longestWaitNanos() shouldBe 3.hours.inWholeNanoseconds
                lease.giveBack()
                move(1.hours - 1.nanoseconds)
                settle()
                pool.snapshot().idle() shouldBe 1
                move(1.nanoseconds)
                eventually { pool.snapshot().evicted() shouldBe mapOf(Eviction.IDLE to 1L) }
            }
        }
    }

    test("the same seed draws the same loops") {
        fun drawn(balancing: Balancing, seed: Long): List<Int> =
            TestReactor(loops = 8, configure = { clock(HandMovedClock(seed)).balancing(balancing) }).use { reactor ->
                List(50) { reactor.group.loops().indexOf(reactor.group.next()) }
            }
        for (balancing in listOf(Balancing.random(), Balancing.powerOfTwoChoices())) {
            drawn(balancing, 5) shouldContainExactly drawn(balancing, 5)
            drawn(balancing, 5).toSet().size shouldBeGreaterThan 4
            (drawn(balancing, 5) == drawn(balancing, 6)) shouldBe false
        }
    }

    test("what is drawn by the system's chance is within its bound") {
        val drawn = List(2000) { Clock.SYSTEM.draw(7) }
        drawn.toSet() shouldBe (0..6).toSet()
        Clock.SYSTEM.draw(1L) shouldBe 0
        shouldThrow<IllegalArgumentException> { Clock.SYSTEM.draw(0) }
    }

    test("nothing else in the main sources reads the time or draws lots") {
        val sources = listOf("core", "coroutines", "interop-java").map { Path("../$it/src/main") }.onEach { it.isDirectory() shouldBe true }
            .flatMap { it.walk() }.filter { it.extension == "java" || it.extension == "kt" }
        sources.size shouldBeGreaterThan 200
        val elsewhere = sources.filter { it.name != "Clock.java" }.flatMap(::readings)
        withClue("io.netpark.core.sys.Clock is the way to all of these") { elsewhere.shouldBeEmpty() }
    }
})

private val READING = Regex("""System\.nanoTime\(|\bThreadLocalRandom\b|Math\.random\(|\bnew \w*Random\(|\bRandom\.|SplittableRandom|RandomGenerator""")

private fun readings(source: Path): List<String> =
    source.readLines().filter { READING.containsMatchIn(it) }.map { "$source: ${it.trim()}" }

private fun Pool.borrow(address: SocketAddress): CompletableFuture<PoolLease> {
    val future = CompletableFuture<PoolLease>()
    borrow(
        address,
        object : Pool.Borrower {
            override fun lent(lease: PoolLease) {
                future.complete(lease)
            }

            override fun failed(cause: NetparkException) {
                future.completeExceptionally(cause)
            }
        },
    )
    return future
}
