package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeSorted
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.result
import java.util.Collections
import java.util.Random
import java.util.concurrent.CancellationException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

class LoopTimersSpec : NetparkSpec(body = {
    fun loop(name: String, body: LoopRig.() -> Unit) = test(name) { LoopRig().use(body) }

    /** In time that stands still until it is moved. */
    fun moved(name: String, body: TestReactor.(clock: HandMovedClock) -> Unit) = test(name) {
        val clock = HandMovedClock()
        TestReactor(configure = { clock(clock) }).use { it.body(clock) }
    }

    loop("R9: a timer runs on the loop and never early, set from inside or outside") {
        for (delay in listOf(0L, 1L, 100_000L, 999_999L, 1_000_001L, 25_000_000L)) {
            for (inside in listOf(true, false)) {
                val late = CompletableFuture<Long>()
                var due = 0L
                val timer = loop.newTimer { late.complete(if (loop.inLoop()) System.nanoTime() - due else -1) }
                val arm = Runnable {
                    due = System.nanoTime() + delay
                    timer.arm(due) shouldBe true
                }
                if (inside) loop.execute(arm) else arm.run()
                late.result() shouldBeGreaterThanOrEqual 0
            }
        }
    }

    loop("a sooner timer from another thread ends a longer wait") {
        val late = loop.schedule({}, 1, TimeUnit.HOURS)
        loop.schedule<Int>({ 1 }, 1, TimeUnit.MILLISECONDS).result() shouldBe 1
        late.cancel(false) shouldBe true
    }

    moved("a timer moves, both ways, and disarmed it does not run") { clock ->
        fun after(time: Duration) = clock.after(time.inWholeNanoseconds)
        val runs = AtomicInteger()
        val timer = loop.newTimer(runs::incrementAndGet)
        timer.arm(after(1.hours))
        timer.arm(after(5.milliseconds))
        clock.pass(5.milliseconds, this)
        eventually { runs.get() shouldBe 1 }
        timer.arm(after(20.milliseconds))
        timer.arm(after(1.hours))
        timer.disarm()
        timer.arm(after(20.milliseconds))
        timer.disarm()
        timer.disarm()
        clock.pass(40.milliseconds, this)
        runs.get() shouldBe 1
    }

    moved("timers run in the order of their times, thousands of them, each once") { clock ->
        val random = Random(7)
        val order = Collections.synchronizedList(mutableListOf<Long>())
        val base = clock.nanoTime()
        val count = 5_000
        val threads = List(2) {
            val delays = List(count / 2) { 1 + random.nextInt(50_000_000).toLong() }
            async { delays.forEach { delay -> loop.newTimer { order += delay }.arm(base + delay) } }
        }
        threads.forEach { it.result() }
        onLoop {} // all are armed, before their time
        clock.move(50.milliseconds, group)
        eventually { order shouldHaveSize count }
        order.shouldBeSorted()
    }

    loop("a timer that arms itself for now lets other work pass") {
        val runs = AtomicInteger()
        lateinit var timer: Timer
        timer = loop.newTimer {
            if (runs.incrementAndGet() < 10_000) timer.arm(System.nanoTime())
        }
        timer.arm(System.nanoTime())
        loop.submit<Int> { 5 }.result() shouldBe 5
        eventually { runs.get() shouldBe 10_000 }
    }

    loop("an action that throws is reported, and later timers run") {
        loop.newTimer { error("timer") }.arm(System.nanoTime())
        loop.schedule<Int>({ 1 }, 5, TimeUnit.MILLISECONDS).result() shouldBe 1
        reporter.drain().single().cause.message shouldBe "timer"
    }

    // ScheduledExecutorService

    loop("schedule gives a value or a failure, after the delay") {
        val start = System.nanoTime()
        val future = loop.schedule<String>({ "value" }, 10, TimeUnit.MILLISECONDS)
        future.result() shouldBe "value"
        System.nanoTime() - start shouldBeGreaterThanOrEqual 10_000_000
        shouldThrow<IllegalStateException> { loop.schedule<Int>({ error("task") }, 0, TimeUnit.SECONDS).result() }
        loop.schedule<Int>({ 1 }, -5, TimeUnit.DAYS).result() shouldBe 1
        loop.schedule({}, Long.MAX_VALUE, TimeUnit.DAYS).apply {
            (getDelay(TimeUnit.NANOSECONDS) > 0) shouldBe true
            cancel(true) shouldBe true
        }
    }

    loop("a fixed rate keeps its pace, a fixed delay its pauses, until cancelled") {
        val times = Collections.synchronizedList(mutableListOf<Long>())
        val start = System.nanoTime()
        val rate = loop.scheduleAtFixedRate({ times += System.nanoTime() }, 1, 2, TimeUnit.MILLISECONDS)
        eventually { (times.size >= 10) shouldBe true }
        rate.cancel(false)
        times.toList().forEachIndexed { i, time -> time - start shouldBeGreaterThanOrEqual 1_000_000L + i * 2_000_000L }

        val pauses = Collections.synchronizedList(mutableListOf<Long>())
        val delay = loop.scheduleWithFixedDelay({ pauses += System.nanoTime() }, 0, 2, TimeUnit.MILLISECONDS)
        eventually { (pauses.size >= 5) shouldBe true }
        delay.cancel(false)
        pauses.toList().zipWithNext { a, b -> b - a shouldBeGreaterThanOrEqual 2_000_000 }
        val size = loop.submit<Int> { pauses.size }.result()
        loop.schedule({}, 10, TimeUnit.MILLISECONDS).result()
        pauses shouldHaveSize size
    }

    loop("a fixed rate that has been missed is made up for 8 times at most, stays in step, and lets others pass") {
        val runs = Collections.synchronizedList(mutableListOf<Long>())
        val between = AtomicInteger()
        val start = System.nanoTime()
        lateinit var rate: ScheduledFuture<*>
        loop.submit {
            rate = loop.scheduleAtFixedRate({
                runs += System.nanoTime()
                loop.execute(between::incrementAndGet)
            }, 0, 1, TimeUnit.MILLISECONDS)
        }.result()
        eventually { (runs.size > 2) shouldBe true }
        val (before, released) = loop.submit<Pair<Int, Long>> {
            val end = System.nanoTime() + 100_000_000 // a hundred runs are missed
            while (System.nanoTime() - end < 0) Thread.onSpinWait()
            runs.size to System.nanoTime()
        }.result()
        eventually { (runs.size > before + 12) shouldBe true }
        rate.cancel(false)
        loop.submit {}.result() // a run that was under way has ended
        val made = runs.drop(before)
        // The one that was due, 8 more, and one a millisecond from then on: a run is never before its time.
        made.forEachIndexed { i, time -> if (i > 9) time - released shouldBeGreaterThanOrEqual (i - 10) * 1_000_000L }
        runs.forEach { it - start shouldBeGreaterThanOrEqual 0 }
        eventually { between.get() shouldBe runs.size }
    }

    loop("a fixed rate that no loop could keep leaves time for everything else") {
        val runs = AtomicInteger()
        val rate = loop.scheduleAtFixedRate(runs::incrementAndGet, 0, 1, TimeUnit.NANOSECONDS)
        repeat(100) { loop.submit<Int> { it }.result() shouldBe it }
        loop.schedule<Int>({ 1 }, 1, TimeUnit.MILLISECONDS).result() shouldBe 1
        rate.cancel(false)
        runs.get().toLong() shouldBeGreaterThanOrEqual 1
    }

    loop("times without end do not come, and bury no other timer") {
        val unwanted = AtomicInteger()
        val never = listOf(
            loop.scheduleWithFixedDelay(unwanted::incrementAndGet, 0, Long.MAX_VALUE, TimeUnit.NANOSECONDS),
            loop.scheduleAtFixedRate(unwanted::incrementAndGet, 0, Long.MAX_VALUE, TimeUnit.DAYS),
        )
        eventually { unwanted.get() shouldBe 2 } // their first
        // An overdue timer, and timers of others set to instants beyond all reach beside it.
        val ran = CompletableFuture<Unit>()
        val far = List(20) { loop.newTimer(unwanted::incrementAndGet) }
        loop.execute {
            val overdue = loop.newTimer { ran.complete(Unit) }
            overdue.arm(System.nanoTime() - 1_000_000)
            far.forEach { it.arm(System.nanoTime() + Long.MAX_VALUE) }
        }
        ran.result()
        loop.schedule<Int>({ 1 }, 1, TimeUnit.MILLISECONDS).result() shouldBe 1
        unwanted.get() shouldBe 2
        never.forEach { it.cancel(false) }
        far.forEach { it.disarm() }
    }

    loop("a periodic task ends with its first exception; a period must be positive") {
        val runs = AtomicInteger()
        val periodic = loop.scheduleAtFixedRate({ if (runs.incrementAndGet() == 3) error("third") }, 0, 1, TimeUnit.MILLISECONDS)
        shouldThrow<IllegalStateException> { periodic.result() }
        runs.get() shouldBe 3
        shouldThrow<IllegalArgumentException> { loop.scheduleAtFixedRate({}, 0, 0, TimeUnit.SECONDS) }
        shouldThrow<IllegalArgumentException> { loop.scheduleWithFixedDelay({}, 0, -1, TimeUnit.SECONDS) }
    }

    loop("cancelling never interrupts the loop's thread") {
        val started = CountDownLatch(1)
        val finish = CountDownLatch(1)
        val interrupted = CompletableFuture<Boolean>()
        val task = loop.schedule({
            started.countDown()
            interrupted.complete(runCatching { finish.await(SOON.inWholeSeconds, TimeUnit.SECONDS) }.isFailure)
        }, 0, TimeUnit.SECONDS)
        started.await()
        task.cancel(true) shouldBe true
        finish.countDown()
        interrupted.result() shouldBe false
        shouldThrow<CancellationException> { task.get() }
    }

    loop("arming and disarming in turn from many threads leaves nothing behind") {
        val runs = AtomicInteger()
        val timers = List(10) { loop.newTimer(runs::incrementAndGet) }
        val threads = List(3) {
            async {
                repeat(3_000) { i ->
                    val timer = timers[i % 10]
                    if (i % 3 == 2) timer.disarm() else timer.arm(fromNow(1.hours))
                }
            }
        }
        threads.forEach { it.result() }
        runs.get() shouldBe 0
        timers.forEach { it.arm(System.nanoTime()) }
        eventually { runs.get() shouldBe 10 }
        timers.forEach { it.arm(fromNow(1.hours)) }
        runs.get().toLong() shouldBeLessThan 11
    }
})
