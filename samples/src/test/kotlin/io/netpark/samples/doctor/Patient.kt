package io.netpark.samples.doctor

import io.netpark.core.sys.Binding
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.deleteIfExists
import kotlin.io.path.writeText

/** A made-up machine. A healthy one, with everything that 100 000 connections want, until something is changed. */
internal class Patient : AutoCloseable {

    private val root: Path = Files.createTempDirectory("patient")

    var jvm = Jvm(
        feature = 25, version = "25.0.1", vendor = "nobody", system = "Linux", architecture = "amd64", processors = 8,
        nativeAccess = true, maxHeap = 4L shl 30, maxDirect = 4L shl 30, bindingProperty = null,
        tlsProtocols = listOf("TLSv1.3", "TLSv1.2"), tlsProviders = listOf("SunJSSE"), usesAes = true,
    )

    var platform: String? = null
    val unavailable = mutableMapOf<Binding, String>()
    val failing = mutableMapOf<Binding, String>()
    val unreachable = mutableMapOf<String, String>()

    val trials: Trials = object : Trials {
        override fun platform() = platform
        override fun choose(property: String): Binding = when (property) {
            "auto" -> if (Binding.FFM in unavailable) Binding.JNA else Binding.FFM
            "jna" -> Binding.JNA
            "ffm" -> Binding.FFM
            else -> throw IllegalArgumentException("$property is not a binding")
        }
        override fun availability(binding: Binding) = unavailable[binding]
        override fun open(binding: Binding) = failing[binding]
        override fun exchange(host: String) = unreachable[host]
    }

    init {
        for ((name, value) in HEALTHY) sysctl(name, value)
        limits(soft = "1048576", hard = "1048576")
        file("proc/self/status", "Name:\tjava\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n")
        file("proc/self/cgroup", "0::/\n")
        file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse2 aes avx\n")
        file("proc/meminfo", "MemTotal:       16777216 kB\nMemFree:        8388608 kB\n")
    }

    fun file(path: String, content: String) {
        root.resolve(path).apply { parent.createDirectories() }.writeText(content)
    }

    /** Takes a file away, as a container hides it. */
    fun hide(path: String) {
        root.resolve(path).deleteIfExists()
    }

    fun sysctl(name: String, value: String) = file(sysctlPath(name), "$value\n")

    fun hideSysctl(name: String) = hide(sysctlPath(name))

    fun limits(soft: String, hard: String) = file(
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n" +
            "Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files     \n",
    )

    val host = Host(root)

    fun examine(): Report = examine(host, jvm, trials)

    override fun close() {
        root.toFile().deleteRecursively()
    }

    companion object {
        /** Written as the kernel does, with tabs. */
        val HEALTHY = mapOf(
            "kernel.osrelease" to "6.1.0",
            "fs.file-max" to "9223372036854775807",
            "fs.nr_open" to "1048576",
            "fs.epoll.max_user_watches" to "5000000",
            "net.core.somaxconn" to "32768",
            "net.core.netdev_max_backlog" to "10000",
            "net.ipv4.tcp_max_syn_backlog" to "32768",
            "net.ipv4.tcp_mem" to "300000\t400000\t600000",
            "net.ipv4.tcp_rmem" to "4096\t131072\t6291456",
            "net.ipv4.tcp_wmem" to "4096\t16384\t4194304",
            "net.ipv4.tcp_fin_timeout" to "60",
            "net.ipv4.tcp_abort_on_overflow" to "0",
            "net.ipv4.tcp_tw_reuse" to "1",
            "net.ipv4.ip_local_port_range" to "1024\t65535",
        )

        private fun sysctlPath(name: String) = "proc/sys/" + name.replace('.', '/')
    }
}

internal fun Report.finding(subject: String): Finding = findings.single { it.subject == subject }
