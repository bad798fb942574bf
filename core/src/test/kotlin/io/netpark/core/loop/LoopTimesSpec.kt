package io.netpark.core.loop

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.micrometer.core.instrument.simple.SimpleMeterRegistry
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.jfr.FlightRecording
import io.netpark.core.micrometer.NetparkMeters
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.report.LoopSnapshot
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Due
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.nio.ByteBuffer
import java.nio.file.Files
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicLong
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordingFile
import kotlin.math.roundToLong
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.nanoseconds

private fun millis(count: Long): Duration = Duration.ofMillis(count)

private val TestReactor.total: LoopSnapshot get() = group.snapshot().total()

/** Has one turn of the loop find [count] connections ready, and runs [body] on the loop for each, in turn. */
private fun TestReactor.inOneTurn(count: Int, body: (Int) -> Unit) {
    val ran = CountDownLatch(count)
    val pairs = List(count) { ConnectionDescriptor.pair(loop, loop) }
    onLoop {
        pairs.forEachIndexed { index, pair ->
            val target = ByteBuffer.allocate(1)
            val waiter = Waiter {
                body(index)
                pair.second.retryRead(target)
                ran.countDown()
            }
            check(pair.second.startRead(target) == Descriptor.PARK && pair.second.park(Direction.READ, waiter))
        }
    }
    val holds = CountDownLatch(1)
    val held = CountDownLatch(1)
    val holding = loop.submit {
        holds.countDown()
        held.await()
    }
    holds.await() // or the turn that begins to hold could find the first of them ready
    pairs.forEach { BlockingConnection(it.first).write("x") }
    held.countDown()
    holding.result()
    ran.await()
    repeat(2) { onLoop {} } // the turn that found them has ended
    pairs.forEach { it.close() }
}

/** Counts how often it is looked at. */
private class CountedClock(private val time: Clock) : Clock() {
    val looks = AtomicLong()

    override fun nanoTime(): Long = time.nanoTime().also { looks.incrementAndGet() }

    override fun draw(bound: Long): Long = time.draw(bound)

    override fun park(blocker: Any, nanos: Long) = time.park(blocker, nanos)
}

/** Turns, delays and runs, by a clock that only the test moves. */
class LoopTimesSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: what runs long is a run, what was found behind it is late by that, and the turn is all of it") {
            val clock = HandMovedClock()
            TestReactor(flavour) { clock(clock).metrics(true) }.use { reactor ->
                reactor.inOneTurn(3) { clock.move(3.milliseconds) }
                val total = reactor.total
                total.runs().count() shouldBe 3
                total.runs().sum() shouldBe millis(9)
                total.runs().longest() shouldBe millis(3)
                total.delays().count() shouldBe 3
                total.delays().sum() shouldBe millis(9)
                total.delays().longest() shouldBe millis(6)
                total.turns().sum() shouldBe millis(9)
                total.turns().longest() shouldBe millis(9)
            }
        }
    }

    test("Micrometer has delays and runs as timers, and as gauges of how many took at most so long") {
        val clock = HandMovedClock()
        TestReactor { clock(clock).metrics(true) }.use { reactor ->
            reactor.inOneTurn(3) { clock.move(3.milliseconds) } // delays of 0, 3 and 6 ms
            val registry = SimpleMeterRegistry()
            NetparkMeters(reactor.group, "test").bindTo(registry)
            fun atMost(name: String, bound: String) = registry.get("$name.histogram").tags("group", "test", "le", bound).gauge().value()
            for ((name, counts) in listOf("netpark.delays" to listOf(1.0, 2.0, 3.0, 3.0), "netpark.runs" to listOf(0.0, 3.0, 3.0, 3.0))) {
                withClue(name) {
                    listOf("0.002", "0.005", "0.01", "+Inf").map { atMost(name, it) } shouldContainExactly counts
                    val timer = registry.get(name).tag("group", "test").functionTimer()
                    timer.count() shouldBe 3.0
                    timer.totalTime(TimeUnit.MILLISECONDS).roundToLong() shouldBe 9
                }
            }
        }
    }

    test("tasks and timers are part of a turn, and no runs") {
        val clock = HandMovedClock()
        TestReactor { clock(clock).metrics(true) }.use { reactor ->
            reactor.onLoop { clock.move(5.milliseconds) }
            reactor.loop.schedule({ clock.move(2.milliseconds) }, 0, TimeUnit.NANOSECONDS).result()
            eventually { reactor.total.turns().sum() shouldBe millis(7) }
            reactor.total.runs().count() shouldBe 0
            reactor.total.delays().count() shouldBe 0
        }
    }

    test("a run and what follows it in its turn add up") {
        val clock = HandMovedClock()
        TestReactor { clock(clock).metrics(true) }.use { reactor ->
            reactor.inOneTurn(1) {
                clock.move(1.milliseconds)
                reactor.loop.execute { clock.move(4.milliseconds) }
            }
            eventually { reactor.total.turns().sum() shouldBe millis(5) }
            reactor.total.turns().longest() shouldBe millis(5)
            reactor.total.runs().sum() shouldBe millis(1)
        }
    }

    test("a run costs one look at the clock; without metrics none") {
        for ((metrics, each) in listOf(true to 1L, false to 0L)) {
            val clock = CountedClock(Clock.SYSTEM)
            val looks = ConcurrentLinkedQueue<Long>()
            TestReactor { clock(clock).metrics(metrics).watchdog(Due.INFINITE) }.use { reactor -> reactor.inOneTurn(10) { looks += clock.looks.get() } }
            looks.toList().zipWithNext { before, after -> after - before } shouldContainExactly List(9) { each }
        }
    }

    test("what loops took that have retired stays in the total") {
        val clock = HandMovedClock()
        TestReactor(loops = 2) { clock(clock).metrics(true) }.use { reactor ->
            val last = reactor.group.loops().last()
            last.submit { clock.move(6.milliseconds) }.result()
            reactor.group.resize(1)
            eventually { last.isTerminated shouldBe true }
            reactor.total.turns().longest() shouldBe millis(6)
        }
    }

    test("an observer is told of turns of 10 ms and longer, how much of that was one run, and how late the last of them was") {
        val told = ConcurrentLinkedQueue<Triple<Duration, Duration, Duration>>()
        val observer = object : Observer {
            override fun longTurn(loop: EventLoop, took: Duration, longestRun: Duration, longestDelay: Duration) {
                told += Triple(took, longestRun, longestDelay)
            }
        }
        val clock = HandMovedClock()
        TestReactor { clock(clock).metrics(true).observer(Observer.all(observer)) }.use { reactor ->
            reactor.onLoop { clock.move(10.milliseconds - 1.nanoseconds) }
            reactor.onLoop { clock.move(10.milliseconds) }
            reactor.inOneTurn(2) { clock.move(if (it == 0) 8.milliseconds else 7.milliseconds) }
            eventually {
                told.toList() shouldContainExactly
                    listOf(Triple(millis(10), Duration.ZERO, Duration.ZERO), Triple(millis(15), millis(8), millis(8)))
            }
        }
    }

    test("Flight Recorder gets turns of 10 ms and longer, with the longest run and the longest delay in each") {
        val file = Files.createTempFile("netpark", ".jfr")
        try {
            Recording().use { recording ->
                recording.start()
                val clock = HandMovedClock()
                TestReactor { clock(clock).metrics(true).observer(FlightRecording()).name("recorded") }.use { reactor ->
                    reactor.inOneTurn(3) { clock.move(if (it == 0) 12.milliseconds else 3.milliseconds) }
                }
                recording.dump(file)
            }
            val turns = RecordingFile.readAllEvents(file)
                .filter { it.eventType.name == "netpark.LongTurn" && it.getString("loop") == "recorded-loop-0" }
            turns.map { turn -> listOf("took", "longestRun", "longestDelay").map { turn.getDuration(it) } } shouldContainExactly
                listOf(listOf(millis(18), millis(12), millis(15)))
        } finally {
            Files.delete(file)
        }
    }

    test("without metrics nobody looks how long a turn takes") {
        val told = ConcurrentLinkedQueue<Duration>()
        val observer = object : Observer {
            override fun longTurn(loop: EventLoop, took: Duration, longestRun: Duration, longestDelay: Duration) {
                told += took
            }
        }
        val clock = HandMovedClock()
        TestReactor { clock(clock).observer(observer) }.use { reactor -> reactor.onLoop { clock.move(1_000.milliseconds) } }
        told.size shouldBe 0
    }
})
