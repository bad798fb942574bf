package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import io.netpark.samples.doctor.Mark.PROBLEM

/** The longest queue that Netpark asks for when it listens. */
internal fun backlog(host: Host): Finding {
    val most = host.sysctl("net.core.somaxconn")?.toLimit()
    val asked = minOf(most ?: FALLBACK, MOST)
    val why = when {
        most == null -> "net.core.somaxconn cannot be read"
        most > MOST -> "more would be nothing to an old kernel"
        else -> "what net.core.somaxconn allows"
    }
    return Finding("backlog", OK, "Netpark asks for $asked: $why", facts = mapOf("asked" to asked))
}

/** Whether a connection can be made: the whole way, which no single call shows. IPv6 can be done without. */
internal fun loopback(trials: Trials): List<Finding> = listOf(
    loopback("IPv4", "127.0.0.1", trials, PROBLEM, "bring loopback up: ip link set lo up; or see what forbids sockets"),
    loopback("IPv6", "::1", trials, NOTE, "nothing, if IPv6 is not wanted; else see net.ipv6.conf.lo.disable_ipv6"),
)

private fun loopback(subject: String, host: String, trials: Trials, trouble: Mark, action: String): Finding {
    val failure = trials.exchange(host)
    val facts = mapOf("works" to (failure == null), "reason" to failure)
    return if (failure == null) Finding(subject, OK, "works: a byte went to $host and back", facts = facts)
    else Finding(subject, trouble, "fails: $failure", action, facts)
}

/** As in Netpark, which keeps them to itself. */
private const val MOST = 0xFFFFL
private const val FALLBACK = 4096L
