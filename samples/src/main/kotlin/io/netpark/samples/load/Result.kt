package io.netpark.samples.load

import org.HdrHistogram.Histogram
import java.math.BigDecimal
import java.util.Locale

/** What the load came to. */
internal class Result(
    private val options: LoadOptions,
    private val latencies: Histogram,
    private val elapsedNanos: Long,
    private val errors: Map<String, Long>,
    private val lost: Long,
    private val unanswered: Int,
    private val backlog: Backlog,
) {
    /** Whether every request that was sent has been answered, and rightly. */
    val isClean: Boolean get() = errors.isEmpty() && lost == 0L && unanswered == 0

    /** For people: a line for each quantity. */
    fun table(): List<String> = buildList {
        add(title())
        line("requests answered", number(latencies.totalCount), "every byte checked")
        line("requests a second", number(perSecond(latencies.totalCount)))
        val megabytes = perSecond(latencies.totalCount * options.size) / 1e6
        line("megabytes a second", String.format(Locale.ROOT, "%,.2f", megabytes), "each way")
        if (latencies.totalCount > 0) {
            for ((name, percentile) in PERCENTILES) line("latency $name", time(latencies.getValueAtPercentile(percentile)))
            line("latency max", time(latencies.maxValue))
        }
        if (options.rate != null) {
            line("due and never sent", number(backlog.requests), late())
        }
        line("errors", number(errors.values.sum()))
        for ((kind, count) in errors) line("  $kind", number(count))
        if (lost > 0) line("requests lost", number(lost), "in flight when their connection was lost")
        if (unanswered > 0) line("requests unanswered", number(unanswered.toLong()), "in flight at the end")
    }

    private fun title(): String {
        val mode = if (options.rate == null) "closed loop"
        else "${BigDecimal.valueOf(options.rate).stripTrailingZeros().toPlainString()} requests a second"
        return String.format(Locale.ROOT, "%.1f s, %,d connections to %s, %,d bytes a request, %d in flight each, %s",
            elapsedNanos / 1e9, options.connections, options.target, options.size, options.pipeline, mode) + if (options.tls == null) "" else ", over TLS"
    }

    private fun late(): String = if (backlog.requests == 0L) "" else
        "the first ${time(backlog.oldest)} late: the rate is not reached"

    private fun perSecond(count: Long): Long = if (elapsedNanos <= 0) 0 else (count * 1e9 / elapsedNanos).toLong()

    private fun MutableList<String>.line(name: String, value: String, remark: String = "") {
        add("${name.padEnd(28)}${value.padStart(16)}  $remark".trimEnd())
    }

    companion object {
        private val PERCENTILES = mapOf("p50" to 50.0, "p90" to 90.0, "p99" to 99.0, "p99.9" to 99.9)

        private fun number(count: Long): String = String.format(Locale.ROOT, "%,d", count)

        /** Three digits, and a unit that fits. */
        fun time(nanos: Long): String = when {
            nanos < 1_000_000 -> String.format(Locale.ROOT, "%.0f us", nanos / 1e3)
            nanos < 10_000_000 -> String.format(Locale.ROOT, "%.2f ms", nanos / 1e6)
            nanos < 1_000_000_000 -> String.format(Locale.ROOT, "%.0f ms", nanos / 1e6)
            else -> String.format(Locale.ROOT, "%.2f s", nanos / 1e9)
        }
    }
}
