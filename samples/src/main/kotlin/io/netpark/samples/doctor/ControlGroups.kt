package io.netpark.samples.doctor

/** The control groups of this process, of either version. A limit of any group around holds as well: the least counts. */
internal class ControlGroups(private val host: Host) {

    /** How many processors' time may be used, or null without a limit. */
    val processors: Double? = least(
        group(UNIFIED).map { folder -> host.line("$folder/cpu.max")?.let(::quota) } +
            group("cpu").map { folder ->
                quota(host.line("$folder/cpu.cfs_quota_us") + " " + host.line("$folder/cpu.cfs_period_us"))
            },
    )

    /** How many bytes of memory may be used, or null without a limit. */
    val memory: Long? = least(
        group(UNIFIED).map { folder -> bytes("$folder/memory.max") } +
            group("memory").map { folder -> bytes("$folder/memory.limit_in_bytes") },
    )

    /**
     * The folders of a controller, from its group outwards. In a container the group may be named as it is outside: what
     * is not found on the way is passed over, and the container's own limits are in the outermost folder.
     */
    private fun group(controller: String): List<String> {
        // cgroups(7): "number:controllers:path", without controllers in version 2.
        val path = host.lines("proc/self/cgroup").orEmpty().map { it.split(':', limit = 3) }
            .firstOrNull { it.size == 3 && controller in it[1].split(',') }?.get(2) ?: return emptyList()
        val names = path.split('/').filter { it.isNotEmpty() && it != ".." }
        val mount = if (controller == UNIFIED) ROOT else "$ROOT/$controller"
        return (names.size downTo 0).map { (listOf(mount) + names.take(it)).joinToString("/") }
    }

    /** "QUOTA PERIOD" in microseconds. The quota is max or -1 if there is none. */
    private fun quota(line: String): Double? {
        val (quota, period) = line.split(' ').mapNotNull { it.toLongOrNull() }.takeIf { it.size == 2 } ?: return null
        return if (quota <= 0 || period <= 0) null else quota.toDouble() / period
    }

    private fun bytes(path: String): Long? = host.line(path)?.toLimit()?.takeIf { it < NO_LIMIT }

    private fun <T : Comparable<T>> least(limits: List<T?>): T? = limits.filterNotNull().minOrNull()

    private companion object {
        const val ROOT = "sys/fs/cgroup"

        /** Version 2 has one tree for all controllers. */
        const val UNIFIED = ""

        /** Version 1 says "none" with the largest number of whole pages. */
        const val NO_LIMIT = 1L shl 60
    }
}
