package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.report.Ration
import io.netpark.core.report.Reporter
import io.netpark.core.report.Withheld
import io.netpark.core.sys.Errno
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingLog
import io.netpark.core.testing.RecordingReporter.Report
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** A report of the same kind as [report], by another class. */
private object Elsewhere {
    fun report(loop: EventLoop, cause: Throwable) = loop.report("It was bad elsewhere", cause)
}

/** How many reports these tell of. */
private fun List<Report>.inAll(): Long = sumOf { (it.cause as? Withheld)?.count() ?: 1L }

/** What comes often is reported a few times, and then as a number. */
class RationSpec : NetparkSpec(body = {
    fun TestReactor.bad(count: Int) = onLoop { repeat(count) { loop.report("Bad $it", IllegalStateException("number $it")) } }
    fun TestReactor.told() = reporter.drain().map { it.what }
    fun rationed(limit: Int = 5, loops: Int = 1, body: (TestReactor, HandMovedClock) -> Unit) {
        val clock = HandMovedClock()
        TestReactor(loops = loops) { clock(clock).reportLimit(limit) }.use { body(it, clock) }
    }

    test("five are reported as they come, the others as a number when ten seconds are over, with the last of them") {
        rationed { reactor, clock ->
            reactor.bad(5)
            reactor.told() shouldBe List(5) { "Bad $it" }
            reactor.bad(90)
            reactor.told().shouldBeEmpty()
            clock.pass(9_999.milliseconds, reactor)
            reactor.told().shouldBeEmpty()
            clock.pass(1.milliseconds, reactor)
            val summary = reactor.reporter.drain().single()
            summary.what shouldBe "And 90 more of this kind in the last 10 s, the last of them: Bad 89: java.lang.IllegalStateException: number 89"
            val withheld = summary.cause.shouldBeInstanceOf<Withheld>()
            withheld.count() shouldBe 90
            withheld.time() shouldBe Duration.ofSeconds(10)
            withheld.cause!!.message shouldBe "number 89"
            withheld.stackTrace.toList().shouldBeEmpty()
        }
    }

    test("what goes on is a number each ten seconds, and what has not come for ten is new again") {
        rationed { reactor, clock ->
            reactor.bad(6)
            reactor.told() shouldHaveSize 5
            repeat(3) {
                clock.pass(10.seconds, reactor)
                reactor.told().single() shouldStartWith "And 1 more of this kind in the last 10 s"
                reactor.bad(1)
                reactor.told().shouldBeEmpty()
            }
            clock.pass(10.seconds, reactor)
            reactor.told() shouldHaveSize 1
            clock.pass(10.seconds, reactor)
            reactor.told().shouldBeEmpty()
            reactor.bad(1)
            reactor.told() shouldBe listOf("Bad 0")
        }
    }

    test("few are never counted") {
        rationed { reactor, clock ->
            repeat(5) {
                reactor.bad(5)
                reactor.told() shouldBe List(5) { "Bad $it" }
                clock.pass(10.seconds, reactor)
            }
            reactor.told().shouldBeEmpty()
        }
    }

    test("the loops of a group have one ration, and each tells what it has counted") {
        rationed(loops = 2) { reactor, clock ->
            val (first, second) = reactor.group.loops()
            fun bad(loop: EventLoop) = loop.submit { repeat(4) { loop.report("Bad", IllegalStateException()) } }.result()
            bad(first)
            bad(second)
            reactor.told() shouldHaveSize 5
            first.shutdown()
            first.close() // it has counted nothing, and tells what it finds
            reactor.told().single() shouldStartWith "And 3 more"
            bad(second)
            reactor.told().shouldBeEmpty()
            clock.move(10.seconds, reactor.group.loops().drop(1))
            repeat(2) { second.submit {}.result() }
            reactor.told().single() shouldStartWith "And 4 more"
        }
    }

    test("a loop that retires does not wait for the time of what was counted on it, and tells it") {
        rationed(loops = 2) { reactor, _ ->
            val second = reactor.group.loops().last()
            second.submit { repeat(7) { second.report("Bad", IllegalStateException()) } }.result()
            reactor.told() shouldHaveSize 5
            reactor.group.resize(1)
            eventually { second.isTerminated shouldBe true }
            reactor.told().single() shouldStartWith "And 2 more"
        }
    }

    test("what is reported while all is told is counted, and does not hold up who tells") {
        val told = mutableListOf<String>()
        val cause = IllegalStateException()
        lateinit var ration: Ration
        val reporter = Reporter { what, _ ->
            told += what
            ration.report("here", "Bad", cause)
        }
        ration = Ration(reporter, HandMovedClock(), 1)
        ration.report("here", "Bad", cause)
        ration.tellAll()
        told shouldHaveSize 2
    }

    test("what another thread reports while a loop tells its last is told as well") {
        val told = ConcurrentLinkedQueue<String>()
        val cause = IllegalStateException()
        lateinit var loop: EventLoop
        val reporter = Reporter { what, _ ->
            told += what
            if (told.size == 2) async { Elsewhere.report(loop, cause) }.result()
        }
        TestReactor { reporter(reporter).clock(HandMovedClock()).reportLimit(1) }.use { reactor ->
            loop = reactor.loop
            repeat(2) { Elsewhere.report(loop, cause) }
        }
        val first = "It was bad elsewhere"
        val other = "And 1 more of this kind in the last 1 s, the last of them: $first: java.lang.IllegalStateException"
        told.toList() shouldBe listOf(first, other, other)
    }

    test("other threads report as well, and a group that closes says what it has counted") {
        rationed { reactor, _ ->
            repeat(15) { reactor.loop.report("Bad", IllegalStateException()) }
            reactor.told() shouldBe List(5) { "Bad" }
            reactor.group.close()
            reactor.told().single() shouldStartWith "And 10 more of this kind in the last 1 s, the last of them: Bad: "
        }
    }

    test("where the loops have ended, what is counted is told at once, but every ten seconds at most") {
        rationed { reactor, clock ->
            fun late(count: Int) = repeat(count) { reactor.loop.report("Late", IllegalStateException()) }
            reactor.group.close()
            late(7)
            reactor.told().take(5) shouldBe List(5) { "Late" }
            late(100)
            reactor.told().shouldBeEmpty()
            clock.move(10.seconds)
            late(1)
            reactor.reporter.drain().inAll() shouldBe 7 + 100 + 1 - 6 // all but the six that were told before
        }
    }

    test("what was counted on a loop that has ended, and not told, is told by one that counts something and goes on") {
        rationed(limit = 1, loops = 2) { reactor, clock ->
            fun bad(loop: EventLoop) = loop.report("Bad", IllegalStateException())
            val ended = reactor.group.loops().last()
            reactor.group.resize(1)
            eventually { ended.isTerminated shouldBe true }
            repeat(3) { bad(ended) } // as it comes; counted, and told at once; counted within ten seconds of that
            reactor.onLoop { bad(reactor.loop) }
            reactor.reporter.drain().inAll() shouldBe 2
            clock.pass(10.seconds, reactor)
            reactor.reporter.drain().inAll() shouldBe 2
        }
    }

    test("a reporter that reports by a closed loop whatever it is told does not call itself without end") {
        val told = AtomicInteger()
        lateinit var loop: EventLoop
        val again = Reporter { _, cause ->
            told.incrementAndGet()
            loop.report("Again", cause)
        }
        TestReactor { reporter(again).clock(HandMovedClock()).reportLimit(1) }.use { reactor ->
            loop = reactor.loop
            reactor.group.close()
            loop.report("Once", IllegalStateException())
            told.get() shouldBeLessThan 10
        }
    }

    test("a kind is who reports, and what was thrown where; its words are not") {
        val here = IllegalStateException("here")
        val causes = listOf(
            here,
            IllegalStateException("on another line"),
            IllegalArgumentException("here").apply { stackTrace = here.stackTrace },
            NetparkException.of(Errno.EIO, "read"),
            NetparkException.of(Errno.ENOMEM, "read"),
            NetparkException.Refused("nobody is there"),
            NetparkException.TimedOut(NetparkException.Timeout.CONNECT, "late"),
            NetparkException.TimedOut(NetparkException.Timeout.BORROW, "late"),
            NetparkException.TlsFailure(NetparkException.TlsFault.EXPIRED, "old"),
            NetparkException.TlsFailure(NetparkException.TlsFault.NOT_TLS, "plain"),
        )
        rationed(limit = 1) { reactor, _ ->
            for (cause in causes) {
                reactor.loop.report("It was bad", cause)
                Elsewhere.report(reactor.loop, cause)
                withClue(cause) { reactor.reporter.drain().map { it.cause } shouldBe listOf(cause, cause) }
            }
            for (cause in causes) {
                reactor.loop.report("It was bad in other words", cause)
                Elsewhere.report(reactor.loop, cause)
            }
            reactor.told().shouldBeEmpty()
            reactor.group.close()
            reactor.reporter.drain().inAll() shouldBe 2L * causes.size
        }
    }

    test("of what peers do one is told as it comes") {
        rationed { reactor, clock ->
            repeat(3) { reactor.loop.report("It was reset", NetparkException.Reset("by peer $it")) }
            reactor.told() shouldBe listOf("It was reset")
            clock.pass(10.seconds, reactor)
            reactor.told() shouldBe listOf("And 2 more of this kind in the last 10 s, the last of them: It was reset: by peer 2")
        }
    }

    test("however many kinds there are, the memory for them is bounded, and none is lost") {
        fun of(line: Int) = IllegalStateException().apply { stackTrace = arrayOf(StackTraceElement("Some", "code", "Some.kt", line)) }
        rationed(limit = 1) { reactor, clock ->
            repeat(3) { repeat(1000) { line -> reactor.loop.report("Bad", of(line)) } }
            val told = reactor.reporter.drain()
            told shouldHaveSize 65 // those for which there is room, and the first of all others
            clock.pass(10.seconds, reactor)
            val summaries = reactor.reporter.drain()
            summaries shouldHaveSize 65
            (told + summaries).inAll() shouldBe 3000
            clock.pass(10.seconds, reactor)
            reactor.loop.report("Bad", of(999))
            reactor.told() shouldBe listOf("Bad") // those that are quiet have made room
        }
    }

    test("many threads report at the same time, and all that they say is told or counted") {
        rationed { reactor, _ ->
            val threads = List(4) { async { repeat(1000) { reactor.loop.report("Bad", IllegalStateException()) } } }
            threads.forEach { it.result() }
            reactor.group.close()
            val told = reactor.reporter.drain()
            told.inAll() shouldBe 4000
            told.count { it.cause !is Withheld } shouldBe 5
        }
    }

    test("a cause that can say nothing of itself is reported as others are") {
        class Mute : RuntimeException() {
            override fun getStackTrace(): Array<StackTraceElement> = throw IllegalStateException("no stack")
            override fun toString(): String = throw IllegalStateException("no text")
        }

        class Starved : RuntimeException("of two\nlines") {
            override fun getStackTrace(): Array<StackTraceElement> = throw OutOfMemoryError("no stack")
        }
        rationed(limit = 1) { reactor, clock ->
            repeat(2) { reactor.loop.report("Bad", Mute()) }
            reactor.told() shouldBe listOf("Bad")
            clock.pass(10.seconds, reactor)
            reactor.told().single() shouldContain "Mute"
            reactor.loop.report("Bad", Starved()) // what cannot say where it was thrown is one kind
            clock.pass(10.seconds, reactor)
            reactor.told().single().lines().single() shouldContain "of two"
        }
    }

    test("without a limit all are told, and a limit lets the first through") {
        rationed(limit = Int.MAX_VALUE) { reactor, _ ->
            repeat(100) { reactor.loop.report("Bad", NetparkException.Reset("by a peer")) }
            reactor.told() shouldHaveSize 100
        }
        shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().reportLimit(0) }.message!! shouldContain "at least 1, not 0"
    }

    test("the log gets the stack of the first, and a line of the others") {
        RecordingLog().use { log ->
            TestReactor { reporter(Reporter.LOG).clock(HandMovedClock()).reportLimit(1) }.use { it.bad(3) }
            val (first, others) = log.records
            first.thrown.message shouldBe "number 0"
            others.thrown.shouldBeNull()
            others.message.lines() shouldHaveSize 1
            others.message shouldStartWith "And 2 more of this kind"
            log.records shouldHaveSize 2
        }
    }
})
