package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.PROBLEM

/** Looks at everything. Where Netpark cannot run anyway, only at what must change first. */
internal fun examine(host: Host, jvm: Jvm, trials: Trials): Report {
    val system = system(host, jvm, trials)
    val foundation = listOf(system, jdk(jvm))
    if (system.mark == PROBLEM) return Report(foundation, null)
    val bindings = Bindings(jvm, trials)
    val groups = ControlGroups(host)
    return Report(
        foundation + nativeAccess(jvm) + bindings.findings +
            (if (bindings.working == null) emptyList() else loopback(trials)) +
            processors(host, groups, jvm) + tls(host, jvm) + memory(host, groups, jvm) + descriptors(host) + backlog(host) +
            sysctls.mapNotNull { it.finding(host) },
        bindings.working,
    )
}
