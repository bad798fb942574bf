package io.netpark.core.report

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import java.time.Duration
import kotlin.math.ceil
import kotlin.math.max
import kotlin.math.pow

private fun nanos(count: Long): Duration = Duration.ofNanos(count)

private fun durations(vararg nanos: Long): Durations {
    val counts = LongArray(DurationScale.BUCKETS)
    for (each in nanos) counts[DurationScale.bucket(each)]++
    return Durations(counts, nanos.sumOf { it.toDouble() }, nanos.maxOrNull() ?: 0)
}

class DurationsSpec : NetparkSpec(body = {
    val bounds = (0 until DurationScale.BUCKETS - 1).map { DurationScale.bound(it) }

    test("bounds are 1, 1.5, 2, 3, 5 and 7 times each power of ten, and none is more than 5/3 of the one before") {
        bounds.first() shouldBe 100L
        bounds.last() shouldBe 1_000_000_000_000_000L
        bounds.take(7) shouldBe listOf(100L, 150L, 200L, 300L, 500L, 700L, 1000L)
        bounds.zipWithNext { less, more -> 3 * more <= 5 * less && less < more }.all { it } shouldBe true
        val oneTwoFive = (2..14).flatMap { power -> listOf(1, 2, 5).map { it * 10.0.pow(power).toLong() } }
        bounds shouldContainAll oneTwoFive
        DurationScale.bound(DurationScale.BUCKETS - 1) shouldBe Long.MAX_VALUE
    }

    test("a duration is in the bucket of the first bound that it does not exceed") {
        fun shouldFit(nanos: Long) = withClue(nanos) {
            val bucket = DurationScale.bucket(nanos)
            bucket shouldBe bounds.indexOfFirst { nanos <= it }.let { if (it < 0) bounds.size else it }
        }
        for (bound in bounds) for (near in -1L..1L) shouldFit(bound + near)
        for (power in 0..62) for (near in -1L..1L) shouldFit((1L shl power) + near)
        for (edge in listOf(Long.MIN_VALUE, -1L, 0L, 1L, Long.MAX_VALUE)) shouldFit(edge)
        checkAll(2000, Arb.long(0L..Long.MAX_VALUE)) { shouldFit(it) }
        checkAll(2000, Arb.long(0L..1_000_000L)) { shouldFit(it) }
    }

    test("a quantile is never less than the true one, and at most 5/3 of it, or 100 ns") {
        checkAll(500, Arb.list(Arb.long(0L..3_000_000_000_000_000L), 1..60), Arb.long(0L..1000L)) { nanos, thousandths ->
            val part = thousandths / 1000.0
            val truth = nanos.sorted()[max(1, ceil(part * nanos.size).toInt()) - 1]
            val quantile = durations(*nanos.toLongArray()).quantile(part).toNanos()
            withClue("$part of $nanos") {
                quantile shouldBeGreaterThanOrEqualTo truth
                quantile shouldBeLessThanOrEqualTo nanos.max()
                if (truth <= bounds.last()) quantile shouldBeLessThanOrEqualTo max(100L, truth / 3 * 5 + 5)
            }
        }
        val hundred = durations(*LongArray(100) { (it + 1) * 1_000_000L })
        hundred.quantile(0.5) shouldBe Duration.ofMillis(50)
        hundred.quantile(0.99) shouldBe Duration.ofMillis(100)
        hundred.quantile(0.0) shouldBe Duration.ofMillis(1)
        hundred.quantile(1.0) shouldBe Duration.ofMillis(100)
        for (part in listOf(-0.01, 1.01, Double.NaN)) shouldThrow<IllegalArgumentException> { hundred.quantile(part) }
    }

    test("how many took at most so long is exact at the bounds, and never too many between them") {
        val all = durations(50, 100, 101, 2_000_000, 2_000_001, Long.MAX_VALUE)
        val limits = listOf(99L, 100L, 149L, 150L, 1_999_999L, 2_000_000L, 2_999_999L, 3_000_000L, 1_000_000_000_000_000L)
        limits.map { all.atMost(nanos(it)) } shouldBe listOf(0L, 2L, 2L, 3L, 3L, 4L, 4L, 5L, 5L)
        all.atMost(Duration.ofSeconds(Long.MAX_VALUE)) shouldBe 6
        all.atMost(nanos(-1)) shouldBe 0
    }

    test("none has no count, no time and no quantile") {
        Durations.NONE.count() shouldBe 0
        listOf(Durations.NONE.sum(), Durations.NONE.longest(), Durations.NONE.quantile(0.5)) shouldBe List(3) { Duration.ZERO }
        Durations.NONE.toString() shouldBe "none"
        Durations.NONE shouldBe durations()
    }

    test("the sum of two is as if all had been counted in one, in either order") {
        checkAll(200, Arb.list(Arb.long(0L..10_000_000_000L), 0..20), Arb.list(Arb.long(0L..10_000_000_000L), 0..20)) { some, others ->
            val one = durations(*some.toLongArray())
            val other = durations(*others.toLongArray())
            val all = durations(*(some + others).toLongArray())
            one.and(other) shouldBe all
            other.and(one) shouldBe all
            one.and(other).hashCode() shouldBe all.hashCode()
            all.count() shouldBe (some + others).size.toLong()
            all.sum() shouldBe nanos((some + others).sum())
            all.longest() shouldBe nanos((some + others).maxOrNull() ?: 0)
        }
        durations(1) shouldNotBe durations(2)
        durations(1) shouldNotBe durations(1, 1)
    }

    test("a sum of thousands of years does not overflow") {
        val centuries = Durations(LongArray(DurationScale.BUCKETS), 1e20, 1)
        (1..3).fold(centuries) { sum, _ -> sum.and(centuries) }.sum().seconds shouldBe 400_000_000_000L
    }

    test("counts of other buckets are refused, and the array that was given stays the caller's") {
        shouldThrow<IllegalArgumentException> { Durations(LongArray(3), 0.0, 0) }
        val counts = LongArray(DurationScale.BUCKETS)
        val durations = Durations(counts, 0.0, 0)
        counts[0] = 1
        durations.count() shouldBe 0
    }

    test("a failed dial is counted by what a user would ask first") {
        val faults = listOf(
            NetparkException.Refused("r") to DialFault.REFUSED,
            NetparkException.TimedOut(NetparkException.Timeout.CONNECT, "t") to DialFault.TIMED_OUT,
            NetparkException.TimedOut(NetparkException.Timeout.HANDSHAKE, "t") to DialFault.TIMED_OUT,
            NetparkException.Unreachable("u") to DialFault.UNREACHABLE,
            NetparkException.UnknownHost("h") to DialFault.UNKNOWN_HOST,
            NetparkException.Reset("r") to DialFault.RESET,
            NetparkException.TlsFailure(TlsFault.NOT_TLS, "t") to DialFault.TLS,
            NetparkException.TooManyDescriptors("d") to DialFault.NO_DESCRIPTORS,
            NetparkException.Closed("c") to DialFault.OTHER,
            OutOfMemoryError() to DialFault.OTHER,
        )
        for ((cause, fault) in faults) withClue(cause) { DialFault.of(cause) shouldBe fault }
        faults.map { it.second }.toSet() shouldBe DialFault.entries.toSet()
    }

    test("dials and handshakes of two loops add up by their kinds") {
        val one = Dials(durations(1_000), mapOf(DialFault.REFUSED to 1L, DialFault.TLS to 2L))
        val other = Dials(durations(2_000, 3_000), mapOf(DialFault.REFUSED to 3L))
        one.and(other) shouldBe Dials(durations(1_000, 2_000, 3_000), mapOf(DialFault.REFUSED to 4L, DialFault.TLS to 2L))
        one.failed(DialFault.RESET) shouldBe 0
        val handshakes = Handshakes(durations(5), 1, 0, mapOf(TlsFault.ENDED to 1L)).and(Handshakes(durations(6), 0, 2, mapOf()))
        handshakes shouldBe Handshakes(durations(5, 6), 1, 2, mapOf(TlsFault.ENDED to 1L))
        handshakes.finished() shouldBe 2
    }
})
