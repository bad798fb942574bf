package io.netpark.core.sys

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.testing.NetparkSpec
import java.time.Duration

class DueSpec : NetparkSpec(body = {
    val forever = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999)
    val never = Duration.ofSeconds(Long.MIN_VALUE)

    test("the difference of any two instants tells which is earlier") {
        val past = listOf(Long.MIN_VALUE, Long.MIN_VALUE / 2, -1_000_000_000_000)
        val future = listOf(1_000_000_000_000, Long.MAX_VALUE / 2, Long.MAX_VALUE - 1, Long.MAX_VALUE)
        for (early in past) {
            for (late in future) {
                withClue("$early and $late") {
                    Clock.SYSTEM.after(late) - Clock.SYSTEM.after(early) shouldBeGreaterThan 0
                    Clock.SYSTEM.after(early) - Clock.SYSTEM.after(late) shouldBeLessThan 0
                    val now = System.nanoTime()
                    Due.after(now, late) - Due.after(now, early) shouldBeGreaterThan 0
                    Clock.SYSTEM.near(now + late) - System.nanoTime() shouldBeGreaterThan 0
                }
            }
        }
        Clock.SYSTEM.after(forever) - System.nanoTime() shouldBeGreaterThan Due.FOREVER - 1_000_000_000_000
    }

    test("an instant that is near is left as it is") {
        for (distance in listOf(-1_000_000_000L, 0, 1, 1_000_000_000, Due.FOREVER - 1_000_000_000)) {
            val instant = System.nanoTime() + distance
            Clock.SYSTEM.near(instant) shouldBe instant
        }
    }

    test("a duration is in nanoseconds, and at most for ever") {
        Due.nanos(Duration.ofMillis(-3)) shouldBe -3_000_000
        Due.nanos(Duration.ofNanos(Due.FOREVER - 5_000_000_000)) shouldBe Due.FOREVER - 5_000_000_000
        Due.nanos(forever) shouldBe Due.FOREVER
        Due.nanos(never) shouldBe -Due.FOREVER
        Due.millis(forever) shouldBe Due.FOREVER / 1_000_000
        Due.notNegativeNanos(Duration.ZERO, "time") shouldBe 0
        shouldThrow<IllegalArgumentException> { Due.notNegativeNanos(never, "patience") }.message!! shouldContain "patience"
    }

    test("a kernel's number is rounded up, never to none, and fits into an int") {
        val seconds = mapOf(
            Duration.ZERO to 0, Duration.ofNanos(1) to 1, Duration.ofMillis(999) to 1, Duration.ofSeconds(1) to 1,
            Duration.ofMillis(1001) to 2, forever to Int.MAX_VALUE, Duration.ofMillis(-1) to -1, never to Int.MIN_VALUE,
        )
        for ((time, number) in seconds) withClue(time) { Due.kernelSeconds(time) shouldBe number }
        val millis = mapOf(
            Duration.ZERO to 0, Duration.ofNanos(1) to 1, Duration.ofMillis(999) to 999, Duration.ofNanos(1_000_001) to 2,
            forever to Int.MAX_VALUE, Duration.ofNanos(-1) to -1, never to Int.MIN_VALUE,
        )
        for ((time, number) in millis) withClue(time) { Due.kernelMillis(time) shouldBe number }
    }

    test("times of a shutdown can be added, however long they are") {
        val shutdown = Shutdown.within(forever).flushing(forever).announcing(forever)
        (shutdown.announce() + shutdown.finish()) + shutdown.flush() shouldBe Duration.ofNanos(Due.FOREVER).multipliedBy(3)
        Shutdown.within(Duration.ofSeconds(5)).finish() shouldBe Duration.ofSeconds(5)
    }
})
