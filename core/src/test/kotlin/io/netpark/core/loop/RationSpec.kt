package io.netpark.core.loop

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** What peers can cause as often as they like is reported ten times a second, and then as a number. */
class RationSpec : NetparkSpec(body = {
    fun TestReactor.bad(count: Int) = onLoop { repeat(count) { loop.reportRationed("Bad", IllegalStateException("number $it")) } }
    fun TestReactor.told() = reporter.drain().map { it.what }

    test("ten are reported as they come, the others as a number when the second is over, with the last of them") {
        val clock = HandMovedClock()
        TestReactor { clock(clock) }.use { reactor ->
            reactor.bad(10)
            reactor.told() shouldBe List(10) { "Bad" }
            reactor.bad(90)
            reactor.told().shouldBeEmpty()
            clock.move(999.milliseconds, reactor.group)
            reactor.onLoop {}
            reactor.told().shouldBeEmpty()
            clock.move(1.milliseconds, reactor.group)
            val summary = eventually { reactor.reporter.drain().single() }
            summary.what shouldBe "Bad; so were 90 more within a second, which are not reported, and the last of them is this"
            summary.cause.message shouldBe "number 89"
            reactor.bad(10) // the summary was the first of its second
            reactor.told() shouldBe List(9) { "Bad" }
            clock.move(1.seconds, reactor.group)
            eventually { reactor.told().single().startsWith("Bad; so were 1 more") shouldBe true }
        }
    }

    test("few are never counted, and cost no timer") {
        val clock = HandMovedClock()
        TestReactor { clock(clock) }.use { reactor ->
            repeat(5) {
                reactor.bad(9)
                reactor.told() shouldBe List(9) { "Bad" }
                clock.move(1.seconds, reactor.group)
            }
            reactor.onLoop {}
            reactor.told().shouldBeEmpty()
        }
    }

    test("other threads report as well, and a loop that closes says what it has counted") {
        val reactor = TestReactor { clock(HandMovedClock()) }
        reactor.use {
            repeat(15) { reactor.loop.reportRationed("Bad", IllegalStateException()) }
            reactor.onLoop {}
            reactor.told() shouldBe List(10) { "Bad" }
            reactor.group.close()
            reactor.told() shouldBe listOf("Bad; so were 5 more within a second, which are not reported, and the last of them is this")
            reactor.loop.reportRationed("Bad", IllegalStateException())
            reactor.told() shouldBe listOf("Bad")
        }
    }
})
