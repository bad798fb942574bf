package io.netpark.samples.doctor

import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK

/** Which versions of TLS there are and by whom, and whether AES is quick, which most connections are encrypted by. */
internal fun tls(host: Host, jvm: Jvm): Finding {
    val versions = listOf("TLSv1.3", "TLSv1.2").filter { it in jvm.tlsProtocols }
    // x86 has flags, ARM has Features.
    val flags = host.field("proc/cpuinfo", "flags") ?: host.field("proc/cpuinfo", "Features")
    val aes = flags?.let { "aes" in it.split(' ') }
    val where = when {
        aes == null -> "AES in hardware: unknown"
        !aes -> "AES not in hardware"
        jvm.usesAes == false -> "AES in hardware, and the JVM does not use it"
        else -> "AES in hardware"
    }
    val action = when {
        versions.isEmpty() -> "TLS needs one of TLSv1.3 and TLSv1.2: see jdk.tls.disabledAlgorithms in the JDK's java.security"
        aes == true && jvm.usesAes == false -> "leave -XX:-UseAES away: without it TLS takes many times the processor time"
        aes == false -> "a virtual machine may hide it: ask for a CPU type that has AES; without it TLS takes many times the processor time"
        "TLSv1.3" !in versions -> "see jdk.tls.disabledAlgorithms in the JDK's java.security: TLSv1.3 is disabled there"
        else -> null
    }
    return Finding(
        "TLS",
        if (action == null) OK else NOTE,
        "${versions.joinToString(", ").ifEmpty { "no version in use" }} by ${jvm.tlsProviders.joinToString(", ").ifEmpty { "nobody" }}; $where",
        action,
        mapOf("protocols" to versions, "providers" to jvm.tlsProviders, "aes" to aes, "usesAes" to jvm.usesAes),
    )
}
