package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import java.util.Locale
import kotlin.math.ceil

/** What there is to run on, and how many event loops that makes. */
internal fun processors(host: Host, groups: ControlGroups, jvm: Jvm): Finding {
    val affinity = host.field("proc/self/status", "Cpus_allowed_list")
    val quota = groups.processors
    val loops = maxOf(1, jvm.processors / 2) // the default of EventLoopGroup
    // The JVM takes the quota into account, rounded up, unless it is told not to.
    val throttled = quota != null && jvm.processors > ceil(quota)
    val plural = if (loops == 1) "" else "s"
    return Finding(
        "processors",
        if (throttled) NOTE else OK,
        "${jvm.processors} for the JVM, so $loops event loop$plural by default; " +
            "affinity ${affinity ?: "unknown"}, CPU quota ${quota?.let(::decimal) ?: "none"}",
        if (throttled) "go by the quota: -XX:ActiveProcessorCount=${ceil(quota).toInt()}" else null,
        mapOf("processors" to jvm.processors, "loops" to loops, "affinity" to affinity, "quota" to quota),
    )
}

private fun decimal(number: Double): String = String.format(Locale.ROOT, "%.2f", number).removeSuffix(".00")
