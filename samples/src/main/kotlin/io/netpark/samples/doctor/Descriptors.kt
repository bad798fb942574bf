package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK

/**
 * How many descriptors, and so how many connections, this process may have. At its start the JVM has raised the soft limit,
 * which is the one that holds, to the hard one.
 */
internal fun descriptors(host: Host): Finding {
    // "Max open files   1024   1048576   files"
    val limits = host.lines(LIMITS)?.firstOrNull { it.startsWith(LIMIT) }
        ?.removePrefix(LIMIT)?.trim()?.split(Regex(" +"))?.map { it.toLimit() }
    val soft = limits?.getOrNull(0)
    val hard = limits?.getOrNull(1)
    val facts = mapOf("soft" to limitFact(soft), "hard" to limitFact(hard), "recommended" to DESCRIPTORS)
    if (soft == null || hard == null) {
        val action = "see ulimit -Hn: /$LIMITS cannot be read"
        return Finding("descriptors", NOTE, "unknown ($DESCRIPTORS or more)", action, facts)
    }
    val action = when {
        soft >= DESCRIPTORS -> null
        hard >= DESCRIPTORS -> "leave -XX:-MaxFDLimit away: the JVM then raises the soft limit to the hard one"
        else -> "LimitNOFILE=$DESCRIPTORS in a systemd unit, --ulimit nofile=$DESCRIPTORS for a container, or " +
            "/etc/security/limits.conf"
    }
    return Finding(
        "descriptors",
        if (action == null) OK else NOTE,
        "${limitText(soft)} ($DESCRIPTORS or more), hard limit ${limitText(hard)}: fewer connections than that",
        action, facts,
    )
}

private const val LIMITS = "proc/self/limits"
private const val LIMIT = "Max open files"
