package io.netpark.samples.http

import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import kotlin.random.Random

class ByteRangeSpec : SampleSpec({
    fun ranges(value: String, size: Long = 10) = ByteRange.of(value, size)?.map { it.offset to it.length }

    test("one range") {
        ranges("bytes=0-0") shouldBe listOf(0L to 1L)
        ranges("Bytes=2-5") shouldBe listOf(2L to 4L)
        ranges("bytes=2-") shouldBe listOf(2L to 8L)
        ranges("bytes=2-99999999999999999999999") shouldBe listOf(2L to 8L)
        ranges("bytes=-3") shouldBe listOf(7L to 3L)
        ranges("bytes=-99999999999999999999999") shouldBe listOf(0L to 10L)
        ranges("bytes=\t 1-1 ") shouldBe listOf(1L to 1L)
        ranges("bytes=3000000000-", 4_000_000_000) shouldBe listOf(3_000_000_000 to 1_000_000_000L)
    }

    test("several, in the order in which they were asked for; a list may have empty elements") {
        ranges("bytes=0-9,500-599", 1000) shouldBe listOf(0L to 10L, 500L to 100L)
        ranges("bytes=-10, 0-9 ,\t,500-500,", 1000) shouldBe listOf(990L to 10L, 0L to 10L, 500L to 1L)
    }

    test("those that overlap, touch or nearly do are one, where the first of them was") {
        ranges("bytes=0-99,50-149", 1000) shouldBe listOf(0L to 150L)
        ranges("bytes=100-199,0-99", 1000) shouldBe listOf(0L to 200L)
        ranges("bytes=0-0,101-101", 1000) shouldBe listOf(0L to 102L)
        ranges("bytes=0-0,102-102", 1000) shouldBe listOf(0L to 1L, 102L to 1L)
        ranges("bytes=0-9,900-,400-499,200-450,-150", 1000) shouldBe listOf(0L to 10L, 850L to 150L, 200L to 300L)
        ranges("bytes=0-9,250-259,500-509,5-505", 1000) shouldBe listOf(0L to 510L)
    }

    test("what has nothing of the whole is left out, and nothing may be left") {
        for (value in listOf("bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-", "bytes=10-,-0,11-12")) {
            ranges(value) shouldBe emptyList()
        }
        for (value in listOf("bytes=0-", "bytes=-5")) ranges(value, 0) shouldBe emptyList()
        ranges("bytes=10-,0-1,-0") shouldBe listOf(0L to 2L)
    }

    test("what is no range stands for the whole, and what is too much") {
        val others = listOf(
            "bytes=5-2", "bytes=-", "bytes=", "bytes=,", "bytes", "lines=1-2", "bytes=a-b", "bytes=1-2x", "bytes=--1",
            "bytes=1-2 3-4", "bytes=0-0,x", "bytes=0-0,5-2", "bytes = 1-2", "bytes=1 - 2", "bytes=1-2-3", "",
        )
        for (value in others) Pair(value, ranges(value)) shouldBe Pair(value, null)
        fun many(count: Int) = "bytes=" + List(count) { "${1000 * it}-${1000 * it}" }.joinToString(",")
        ranges(many(ByteRange.MOST), 100_000)!!.size shouldBe ByteRange.MOST
        ranges(many(ByteRange.MOST + 1), 100_000) shouldBe null
        ranges("bytes=" + List(1000) { "0-" }.joinToString(","), 100_000) shouldBe null
    }

    test("together they are every byte that was asked for, once, and little else") {
        val random = Random(8)
        repeat(2000) {
            val size = random.nextLong(1, 3000)
            val asked = List(random.nextInt(1, ByteRange.MOST + 1)) {
                val from = random.nextLong(0, 3000)
                from..from + random.nextLong(0, 200)
            }
            val ranges = ByteRange.of("bytes=" + asked.joinToString(",") { "${it.first}-${it.last}" }, size)!!
            val sent = ranges.flatMap { it.offset until it.end }
            sent.toSet().size shouldBe sent.size
            val wanted = asked.flatMap { it }.filter { it < size }.toSet()
            (wanted - sent.toSet()) shouldBe emptySet()
            (sent.size - wanted.size).toLong() shouldBeLessThanOrEqual 100L * (asked.size - ranges.size)
        }
    }
})
