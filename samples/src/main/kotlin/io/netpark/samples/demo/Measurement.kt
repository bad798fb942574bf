package io.netpark.samples.demo

import io.netpark.core.sys.Binding
import java.util.Locale

/** What one server did under load, and what it cost. */
internal class Measurement(
    val api: String,
    val traffic: Load.Traffic,
    val cpuNanos: Long,
    val binding: Binding,
) {
    val requestsPerSecond: Double get() = traffic.messages * 1e9 / traffic.elapsedNanos

    /** In microseconds. */
    fun latency(percentile: Double): Double = traffic.latencies.getValueAtPercentile(percentile) / 1e3

    /** In microseconds. */
    val cpuPerRequest: Double get() = cpuNanos / 1e3 / traffic.messages

    /** There and back. */
    val bytesMoved: Long get() = 2 * traffic.messages * EchoClient.MESSAGE_SIZE
}

/** A line for each quantity, a column for each server. */
internal fun List<Measurement>.table(): List<String> {
    fun line(title: String, cell: (Measurement) -> String) =
        title.padEnd(30) + joinToString("") { cell(it).padStart(16) }

    fun number(format: String, value: (Measurement) -> Any): (Measurement) -> String =
        { String.format(Locale.ROOT, format, value(it)) }

    return listOf(
        line("") { it.api },
        line("requests a second", number("%,.0f") { it.requestsPerSecond }),
        line("latency p50, microseconds", number("%,.0f") { it.latency(50.0) }),
        line("latency p99, microseconds", number("%,.0f") { it.latency(99.0) }),
        line("latency p99.9, microseconds", number("%,.0f") { it.latency(99.9) }),
        line("CPU microseconds a request", number("%,.2f") { it.cpuPerRequest }),
        line("bytes moved, all checked", number("%,d") { it.bytesMoved }),
        line("binding in use") { it.binding.name },
    )
}
