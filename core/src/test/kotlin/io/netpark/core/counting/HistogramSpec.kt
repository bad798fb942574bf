package io.netpark.core.counting

import com.sun.management.ThreadMXBean
import io.kotest.assertions.withClue
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.report.Durations
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.lang.management.ManagementFactory
import java.time.Duration
import java.util.concurrent.atomic.AtomicBoolean

/** The two histograms, which count the same and differ in who may record. */
private class Recorded(val name: String, val record: (Long) -> Unit, val read: () -> Durations)

private fun histograms(): List<Recorded> {
    val own = OwnHistogram()
    val shared = SharedHistogram()
    return listOf(Recorded("own", own::record, own::read), Recorded("shared", shared::record, shared::read))
}

class HistogramSpec : NetparkSpec(body = {
    for (index in histograms().indices) {
        val name = histograms()[index].name

        test("$name: what is recorded is read, to the nanosecond in sum and longest; what is negative counts as zero") {
            val histogram = histograms()[index]
            histogram.read() shouldBe Durations.NONE
            for (nanos in listOf(7L, 1_000_000L, 150L, -3L)) histogram.record(nanos)
            val read = histogram.read()
            read.count() shouldBe 4
            read.sum() shouldBe Duration.ofNanos(1_000_157)
            read.longest() shouldBe Duration.ofMillis(1)
            listOf(100L, 150L, 999_999L, 1_000_000L).map { read.atMost(Duration.ofNanos(it)) } shouldBe listOf(2L, 3L, 3L, 4L)
        }

        test("$name: a sum that no long would hold goes on to grow") {
            val histogram = histograms()[index]
            repeat(5) { histogram.record(Long.MAX_VALUE / 2) }
            histogram.read().sum().toDays() shouldBe 266_879L // five times 146 years
        }

        test("$name: a reader beside the writer finds counts that only grow, and what is counted in the sum and below the longest") {
            val histogram = histograms()[index]
            val over = AtomicBoolean()
            val reader = async {
                var last = Durations.NONE
                var reads = 0
                while (!over.get() || reads < 2) {
                    val read = histogram.read()
                    read.count() shouldBeGreaterThanOrEqualTo last.count()
                    read.sum() shouldBeGreaterThanOrEqualTo last.sum()
                    read.longest() shouldBeGreaterThanOrEqualTo last.longest()
                    // Each of them took at least a microsecond.
                    read.sum() shouldBeGreaterThanOrEqualTo Duration.ofNanos(1_000 * read.count())
                    read.quantile(1.0) shouldBeLessThanOrEqualTo read.longest()
                    last = read
                    reads++
                }
            }
            for (i in 0L until 200_000) histogram.record(1_000 + i)
            over.set(true)
            reader.result()
            histogram.read().count() shouldBe 200_000
        }
    }

    test("what many threads record at the same time is all there") {
        val shared = SharedHistogram()
        List(4) { async { for (i in 1L..50_000) shared.record(i) } }.forEach { it.result() }
        val read = shared.read()
        read.count() shouldBe 200_000
        read.sum() shouldBe Duration.ofNanos(4 * (50_000L * 50_001 / 2))
        read.longest() shouldBe Duration.ofNanos(50_000)
    }

    test("recording allocates nothing") {
        val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
        val here = Thread.currentThread().id
        val own = OwnHistogram()
        val shared = SharedHistogram()
        fun record() {
            for (i in 1L..20_000) {
                own.record(i * i)
                shared.record(i * i)
            }
        }
        record()
        val before = threads.getThreadAllocatedBytes(here)
        repeat(5) { record() }
        // A thousandth of a byte for each: an object would be 16 bytes.
        withClue("bytes for 200 000 records") { threads.getThreadAllocatedBytes(here) - before shouldBeLessThan 200L * 1024 }
    }
})
