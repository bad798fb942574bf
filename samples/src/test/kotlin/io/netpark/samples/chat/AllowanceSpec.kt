package io.netpark.samples.chat

import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.Duration.Companion.seconds

class AllowanceSpec : SampleSpec({
    var now = Long.MAX_VALUE - 1000 // the clock may wrap around
    fun Allowance.takeAll(): Int = generateSequence { take() }.takeWhile { it }.count()

    test("a burst, then as many as time allows, and after any pause no more than a burst") {
        val allowance = Allowance(rate = 10, burst = 5) { now }
        allowance.takeAll() shouldBe 5
        now += 99.milliseconds.inWholeNanoseconds
        allowance.take() shouldBe false
        now += 1.milliseconds.inWholeNanoseconds
        allowance.takeAll() shouldBe 1
        now += 350.milliseconds.inWholeNanoseconds
        allowance.takeAll() shouldBe 3
        now += 10.days.inWholeNanoseconds
        allowance.takeAll() shouldBe 5
    }

    test("a long pause at the highest rate is no debt") {
        val allowance = Allowance(rate = 1_000_000_000, burst = 5) { now }
        allowance.takeAll() shouldBe 5
        now += 10.seconds.inWholeNanoseconds
        allowance.take() shouldBe true
    }

    test("who keeps to the rate is never refused; who asks all the time gets it and no more") {
        val steady = Allowance(rate = 1000, burst = 1) { now }
        repeat(10_000) {
            steady.take() shouldBe true
            now += 1.milliseconds.inWholeNanoseconds + 1
        }
        val greedy = Allowance(rate = 1000, burst = 1) { now }
        var taken = 0
        repeat(1_000_000) {
            if (greedy.take()) taken++
            now += 1000.nanoseconds.inWholeNanoseconds
        }
        (taken in 999..1001) shouldBe true
    }
})
