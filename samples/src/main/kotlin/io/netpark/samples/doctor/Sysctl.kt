package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK

/** A setting of the kernel that many connections run into. */
internal class Sysctl(
    val name: String,
    /** What will do, in words. */
    private val recommended: String,
    private val why: String,
    /** Absent where what it belongs to is not in use. */
    private val optional: Boolean = false,
    /** What to set it to, if it is as given. Returns the same if that will do. */
    private val improve: (List<Long>) -> List<Long>,
) {
    /** Null if there is nothing to say. */
    fun finding(host: Host): Finding? {
        val line = host.sysctl(name)
        if (line == null && optional) return null
        val values = line?.split(Regex("\\s+"))?.map { it.toLimit() }
        val known = values?.filterNotNull()?.takeIf { it.size == values.size }
        val better = known?.let(improve)
        return Finding(
            name,
            if (known != null && better == known) OK else NOTE,
            "${known?.joinToString(" ") { limitText(it) } ?: "unknown"} ($recommended): $why",
            when (better) {
                null -> "it cannot be read here; if this is a container, look outside"
                known -> null
                else -> "sysctl -w $name=" + (better.singleOrNull() ?: better.joinToString(" ", "\"", "\""))
            },
            mapOf(
                "present" to known?.map(::limitFact)?.let { it.singleOrNull() ?: it },
                "recommended" to recommended,
                "why" to why,
            ),
        )
    }

    companion object {
        /** One that must not be too small. */
        fun atLeast(name: String, least: Long, why: String, optional: Boolean = false): Sysctl =
            Sysctl(name, "$least or more", why, optional) { (present) -> listOf(maxOf(present, least)) }
    }
}
