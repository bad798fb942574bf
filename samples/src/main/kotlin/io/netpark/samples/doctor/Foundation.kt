package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import io.netpark.samples.doctor.Mark.PROBLEM

/** Whether Netpark knows this kernel and processor. */
internal fun system(host: Host, jvm: Jvm, trials: Trials): Finding {
    val release = host.sysctl("kernel.osrelease")
    val unsupported = trials.platform()
    val name = "${jvm.system} ${release ?: "of unknown release"} on ${jvm.architecture}"
    return Finding(
        "system",
        if (unsupported == null) OK else PROBLEM,
        if (unsupported == null) name else "$name: $unsupported",
        if (unsupported == null) null else "take a Linux machine, VM or container on x86-64 or aarch64",
        mapOf("system" to jvm.system, "kernel" to release, "architecture" to jvm.architecture),
    )
}

internal fun jdk(jvm: Jvm): Finding = Finding(
    "JDK", OK, "${jvm.version} by ${jvm.vendor}",
    facts = mapOf("feature" to jvm.feature, "version" to jvm.version, "vendor" to jvm.vendor),
)

/** Whether the JVM lets Netpark call native code. */
internal fun nativeAccess(jvm: Jvm): Finding {
    val subject = "native access"
    val facts = mapOf("enabled" to jvm.nativeAccess)
    return when (jvm.nativeAccess) {
        null -> Finding(subject, OK, "JDK ${jvm.feature} does not ask for --enable-native-access", facts = facts)
        true -> Finding(subject, OK, "enabled", facts = facts)
        false -> Finding(
            subject, NOTE, "not enabled: the JVM warns of native calls, or refuses them",
            "start java with --enable-native-access=ALL-UNNAMED", facts,
        )
    }
}
