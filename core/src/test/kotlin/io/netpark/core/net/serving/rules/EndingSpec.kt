package io.netpark.core.net.serving.rules

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Due
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger

/** The phases of a shutdown: in which order, for how long, and who hears of the end. */
class EndingSpec : NetparkSpec(body = {

    class Recorded(val unfinished: Boolean = true, val left: Int = 0) : Server {
        val calls = ConcurrentLinkedQueue<String>()
        var failing: String? = null

        private fun note(call: String) {
            calls += call
            if (call == failing) error(call)
        }

        override fun announce() = note("announce")
        override fun stopAccepting() = note("stop")
        override fun endIdle() = note("idle")
        override fun flush(nanos: Long): Boolean {
            note("flush $nanos")
            return unfinished && nanos > 0
        }
        override fun cutOff(because: String): Int {
            note("cut $because")
            return left
        }
        override fun report(cut: Int) = Shutdown.Report(0, 0, 0, cut)
    }

    fun nanos(announce: Long, finish: Long, flush: Long) =
        Shutdown(Duration.ofNanos(announce), Duration.ofNanos(finish), Duration.ofNanos(flush), false)

    /** How long it may wait, phase by phase. */
    fun Ending.goThrough(atPhase: (Ending.Phase) -> Unit = {}): List<Pair<Ending.Phase, Long>> = generateSequence {
        val nanos = next()
        (phase() to nanos).takeIf { nanos != Ending.OVER }?.also { atPhase(it.first) }
    }.toList()

    test("a server with callbacks flushes in a phase of its own, and nobody waits for what was cut off") {
        val server = Recorded(left = 2)
        val ending = Ending.ofCallbacks(server)
        ending.begin(nanos(1, 2, 3)) shouldBe true
        ending.goThrough() shouldContainExactly
            listOf(Ending.Phase.ANNOUNCE to 1L, Ending.Phase.FINISH to 2L, Ending.Phase.FLUSH to 3L)
        server.calls.toList() shouldContainExactly
            listOf("announce", "stop", "idle", "flush 3", "cut as the time to finish was over")
        ending.report() shouldBe Shutdown.Report(0, 0, 0, 2)
        ending.next() shouldBe Ending.OVER
        ending.begin(nanos(0, 0, 0)) shouldBe false
    }

    test("where nothing is left to flush there is no such phase") {
        val ending = Ending.ofCallbacks(Recorded(unfinished = false))
        ending.begin(nanos(0, 2, 3))
        ending.goThrough() shouldContainExactly listOf(Ending.Phase.ANNOUNCE to 0L, Ending.Phase.FINISH to 2L)
    }

    test("handlers have the time to flush as more time to finish, and a moment to leave if they are cut off") {
        for (left in listOf(0, 1)) {
            val ending = Ending.ofHandlers(Recorded(left = left))
            ending.begin(nanos(1, 2, 3))
            ending.goThrough() shouldContainExactly listOf(Ending.Phase.ANNOUNCE to 1L, Ending.Phase.FINISH to 5L) +
                List(left) { Ending.Phase.LEAVE to Ending.NANOS_TO_LEAVE }
        }
    }

    test("idle connections are kept if that is wanted") {
        val server = Recorded()
        val ending = Ending.ofHandlers(server)
        ending.begin(nanos(0, 0, 0).keepingIdle())
        ending.goThrough()
        ("idle" in server.calls) shouldBe false
    }

    test("who is in a hurry leaves no time, but for those that were cut off") {
        val ending = Ending.ofHandlers(Recorded(left = 1))
        ending.begin(nanos(1, 2, 3))
        ending.goThrough { if (it == Ending.Phase.ANNOUNCE) ending.hurry() } shouldContainExactly
            listOf(Ending.Phase.ANNOUNCE to 1L, Ending.Phase.FINISH to 0L, Ending.Phase.LEAVE to Ending.NANOS_TO_LEAVE)
    }

    test("all the times there are add up to for ever, and not to less than nothing") {
        val forever = Duration.ofSeconds(Long.MAX_VALUE)
        Ending.longest(Shutdown(forever, forever, forever, false)) shouldBe Due.FOREVER
        Ending.longest(nanos(1, 2, 3)) shouldBe 6
        val ending = Ending.ofHandlers(Recorded())
        ending.begin(Shutdown.within(forever).flushing(forever))
        ending.goThrough().last().second shouldBe Due.FOREVER
    }

    test("an ending that fails cuts off what is left, stops accepting, and has a report") {
        for (failing in listOf("announce", "stop", "idle", "flush 3")) {
            val server = Recorded(left = 3).apply { this.failing = failing }
            val ending = Ending.ofCallbacks(server)
            ending.begin(nanos(1, 2, 3))
            shouldThrow<IllegalStateException> { ending.report() }.message shouldContain "NONE"
            shouldThrow<IllegalStateException> { ending.goThrough() }.message shouldBe failing
            server.failing = null
            ending.abandon()
            ending.abandon()
            ending.report() shouldBe Shutdown.Report(0, 0, 0, 3)
            server.calls.toList().takeLast(1) shouldBe listOf("cut by a failure")
            ("stop" in server.calls) shouldBe true
        }
    }

    // With threads

    class Crowd(count: Int, left: Int) {
        val server = Recorded(left = left)
        val changes = Changes(Clock.SYSTEM)
        val count = AtomicInteger(count)
        val ending = BlockingEnding(Ending.ofHandlers(server), changes) { this.count.get() == 0 }

        fun leave() {
            count.decrementAndGet()
            changes.changed()
        }
    }

    val hour = Duration.ofHours(1)

    test("a phase is over when the last has left, and all callers hear the same") {
        val crowd = Crowd(count = 2, left = 0)
        val reports = List(3) { async { crowd.ending.run(Shutdown.within(hour)) } }
        eventually { ("idle" in crowd.server.calls) shouldBe true }
        crowd.leave()
        reports.none { it.isDone } shouldBe true
        crowd.leave()
        reports.map { it.result() }.distinct() shouldBe listOf(Shutdown.Report(0, 0, 0, 0))
    }

    test("a call with less time cuts the first short, in whichever phase that is") {
        for (first in listOf(Shutdown.within(Duration.ZERO).announcing(hour), Shutdown.within(hour), Shutdown.within(Duration.ZERO).flushing(hour))) {
            val crowd = Crowd(count = 1, left = 1)
            val patient = async { crowd.ending.run(first) }
            eventually { ("announce" in crowd.server.calls) shouldBe true }
            crowd.ending.run(Shutdown.within(Duration.ofMillis(1))) shouldBe Shutdown.Report(0, 0, 0, 1)
            patient.result() shouldBe Shutdown.Report(0, 0, 0, 1)
        }
    }

    test("an interrupt ends all waiting, of the first call and of another, and stays") {
        for (interruptsFirst in listOf(true, false)) {
            val crowd = Crowd(count = 1, left = 1)
            val stayed = CompletableFuture<Boolean>()
            fun call() = Thread {
                crowd.ending.run(Shutdown.within(hour))
                stayed.complete(Thread.currentThread().isInterrupted)
            }.apply { isDaemon = true }
            val first = if (interruptsFirst) call().apply { start() } else null
            val other = async { if (!interruptsFirst) crowd.ending.run(Shutdown.within(hour)) }
            eventually { ("idle" in crowd.server.calls) shouldBe true }
            (first ?: call().apply { start() }).interrupt()
            stayed.result() shouldBe true
            other.result()
        }
    }

    test("what is thrown on the way reaches the first caller, and the others have a report") {
        val crowd = Crowd(count = 1, left = 1)
        crowd.server.failing = "flush 0"
        val first = async { runCatching { crowd.ending.run(Shutdown.within(hour)) } }
        eventually { ("idle" in crowd.server.calls) shouldBe true }
        val other = async { crowd.ending.run(Shutdown.within(hour)) }
        crowd.leave()
        first.result().exceptionOrNull()?.message shouldBe "flush 0"
        other.result() shouldBe Shutdown.Report(0, 0, 0, 1)
    }

    test("a tally counts each handler once, from when accepting stops") {
        val tally = Tally()
        tally.ended(true)
        tally.isCounting shouldBe false
        tally.begin()
        tally.ended(true)
        repeat(2) { tally.ended(false) }
        tally.report(4) shouldBe Shutdown.Report(1, 2, 0, 4)
    }
})
