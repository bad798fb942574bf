package io.netpark.simulation.schedule

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.time.Duration

class VirtualClockSpec : NetparkSpec(body = {

    test("time stands still until it is moved, and wraps around as instants do") {
        val clock = VirtualClock(1)
        val start = clock.nanoTime()
        clock.nanoTime() shouldBe start
        clock.advance(Duration.ofMinutes(2))
        clock.nanoTime() - start shouldBe Duration.ofMinutes(2).toNanos()
        (clock.nanoTime() < start) shouldBe true
        shouldThrow<IllegalArgumentException> { clock.advance(Duration.ofNanos(-1)) }
    }

    test("a thread that parks wakes when its time has come, and not before") {
        val clock = VirtualClock(1)
        val parked = async {
            val end = clock.after(Duration.ofSeconds(10))
            while (end - clock.nanoTime() > 0) clock.park(clock, end - clock.nanoTime())
            clock.nanoTime()
        }
        val start = clock.nanoTime()
        eventually {
            clock.advance(Duration.ofSeconds(3))
            check(parked.isDone)
        }
        (parked.result() - start >= Duration.ofSeconds(10).toNanos()) shouldBe true
    }

    test("the same seed draws the same lots") {
        fun lots(seed: Long) = VirtualClock(seed).let { clock -> List(20) { clock.draw(1000) } }
        lots(5) shouldBe lots(5)
        (lots(5) == lots(6)) shouldBe false
        lots(5).all { it in 0..999 } shouldBe true
    }

    test("appointments are kept in the order of their instants, and those of one instant in the order in which they were made") {
        val clock = VirtualClock(1)
        val timeline = Timeline(clock)
        val kept = mutableListOf<String>()
        timeline.enter("test", -1, false) {
            timeline.at(clock.after(Duration.ofSeconds(2))) { kept += "second" }
            timeline.at(clock.after(Duration.ofSeconds(1))) { kept += "first" }
            timeline.at(clock.after(Duration.ofSeconds(2))) { kept += "third" }
            timeline.at(clock.after(Duration.ofSeconds(1))) { kept += "never" }.cancel()
            timeline.at(clock.after(Duration.ofSeconds(9))) { kept += "not yet" }
            0
        }
        kept.isEmpty() shouldBe true
        clock.advance(Duration.ofSeconds(2))
        kept shouldContainExactly listOf("first", "second", "third")
    }
})
