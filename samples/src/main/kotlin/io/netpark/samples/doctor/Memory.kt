package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK

/** How much memory there is, and how much of it the JVM may take for the heap and for segments. */
internal fun memory(host: Host, groups: ControlGroups, jvm: Jvm): Finding {
    val physical = host.field("proc/meminfo", "MemTotal")?.removeSuffix(" kB")?.toLongOrNull()?.times(1024)
    val limit = groups.memory
    val usable = listOfNotNull(physical, limit).minOrNull()
    val tooMuch = usable != null && jvm.maxHeap.toDouble() + (jvm.maxDirect ?: 0) > usable
    return Finding(
        "memory",
        if (usable == null || tooMuch) NOTE else OK,
        "${mebibytes(physical)}, cgroup limit ${limit?.let(::mebibytes) ?: "none"}; " +
            "heap up to ${mebibytes(jvm.maxHeap)}, direct memory up to ${mebibytes(jvm.maxDirect)}",
        when {
            usable == null -> "see free -m: /proc/meminfo cannot be read"
            tooMuch -> "heap and direct memory can outgrow what there is: lower -Xmx or -XX:MaxDirectMemorySize"
            else -> null
        },
        mapOf("physical" to physical, "cgroup" to limit, "heap" to jvm.maxHeap, "direct" to jvm.maxDirect),
    )
}

private fun mebibytes(bytes: Long?): String = if (bytes == null) "unknown" else "${bytes / (1024 * 1024)} MiB"
