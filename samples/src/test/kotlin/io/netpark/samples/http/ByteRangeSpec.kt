package io.netpark.samples.http

import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec

class ByteRangeSpec : SampleSpec({
    test("one range") {
        ByteRange.of("bytes=0-0", 10) shouldBe ByteRange(0, 1)
        ByteRange.of("Bytes=2-5", 10) shouldBe ByteRange(2, 4)
        ByteRange.of("bytes=2-", 10) shouldBe ByteRange(2, 8)
        ByteRange.of("bytes=2-999999999999999999", 10) shouldBe ByteRange(2, 8)
        ByteRange.of("bytes=-3", 10) shouldBe ByteRange(7, 3)
        ByteRange.of("bytes=-30", 10) shouldBe ByteRange(0, 10)
        ByteRange.of("bytes=3000000000-", 4_000_000_000) shouldBe ByteRange(3_000_000_000, 1_000_000_000)
    }

    test("a range that has nothing of the whole") {
        for (value in listOf("bytes=10-", "bytes=10-20", "bytes=-0")) ByteRange.of(value, 10) shouldBe ByteRange.NOTHING
        for (value in listOf("bytes=0-", "bytes=-5")) ByteRange.of(value, 0) shouldBe ByteRange.NOTHING
    }

    test("what is no range, or several, stands for the whole") {
        val others = listOf(
            "bytes=5-2", "bytes=-", "bytes=", "bytes", "lines=1-2", "bytes=1-2,4-5", "bytes=a-b", "bytes=1-2x", "bytes=--1",
            "bytes=1-9999999999999999999", "bytes = 1-2", "",
        )
        for (value in others) ByteRange.of(value, 10) shouldBe null
    }
})
