package io.netpark.samples.doctor

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.samples.SampleSpec
import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import java.nio.file.Path

/** What the doctor says of limits, on machines that are made up. */
class DoctorLimitsSpec : SampleSpec({

    fun examine(change: Patient.() -> Unit): Report = Patient().use { it.change(); it.examine() }

    test("a machine with everything has nothing to do") {
        examine {}.findings.filter { it.mark != OK || it.action != null }.shouldBeEmpty()
    }

    test("a setting that is too low: the command that raises it") {
        val finding = examine { sysctl("net.core.somaxconn", "128") }.finding("net.core.somaxconn")
        finding.mark shouldBe NOTE
        finding.value shouldStartWith "128 (16384 or more): "
        finding.action shouldBe "sysctl -w net.core.somaxconn=16384"
        finding.facts["present"] shouldBe 128L
    }

    test("every setting that is looked at is named with what is recommended, and why") {
        for (finding in examine {}.findings.filter { it.subject in Patient.HEALTHY }) {
            finding.facts.keys shouldBe setOf("present", "recommended", "why")
            finding.value shouldContain "(${finding.facts["recommended"]}): ${finding.facts["why"]}"
        }
    }

    val better = mapOf(
        "net.ipv4.tcp_mem" to ("10\t20\t30" to "\"200000 300000 400000\""),
        "net.ipv4.ip_local_port_range" to ("32768\t60999" to "\"1024 65535\""),
        "net.ipv4.tcp_fin_timeout" to ("120" to "60"),
        "net.ipv4.tcp_abort_on_overflow" to ("1" to "0"),
        "net.ipv4.tcp_tw_reuse" to ("2" to "1"),
        // What was chosen with care is left: only the second number matters.
        "net.ipv4.tcp_rmem" to ("8192\t1048576\t33554432" to "\"8192 262144 33554432\""),
        "net.ipv4.tcp_wmem" to ("4096\t4096\t8388608" to "\"4096 16384 8388608\""),
    )
    for ((name, change) in better) {
        test("$name: ${change.first.replace('\t', ' ')} becomes ${change.second}") {
            val finding = examine { sysctl(name, change.first) }.finding(name)
            finding.mark shouldBe NOTE
            finding.action shouldBe "sysctl -w $name=${change.second}"
            examine { sysctl(name, change.second.trim('"')) }.finding(name).mark shouldBe OK
        }
    }

    for (name in Patient.HEALTHY.keys - "kernel.osrelease") {
        test("$name cannot be read, or read as a number: unknown, and no failure") {
            val changes = listOf<Patient.() -> Unit>({ hideSysctl(name) }, { sysctl(name, "a lot") }, { sysctl(name, "") })
            for (report in changes.map(::examine)) {
                report.canRun shouldBe true
                val finding = report.finding(name)
                finding.mark shouldBe NOTE
                finding.value shouldStartWith "unknown ("
                finding.action!! shouldContain "cannot be read"
                finding.facts["present"] shouldBe null
            }
        }
    }

    test("a machine that tells nothing at all") {
        val report = Patient().use { patient ->
            patient.jvm = patient.jvm.copy(nativeAccess = null, maxDirect = null)
            examine(Host(Path.of("/nowhere")), patient.jvm, patient.trials)
        }
        report.canRun shouldBe true
        report.lines().last() shouldStartWith "Netpark can run here: epoll by FFM; "
        report.finding("system").value shouldBe "Linux of unknown release on amd64"
        report.finding("descriptors").value shouldStartWith "unknown"
        report.finding("memory").value shouldStartWith "unknown"
        report.finding("backlog").value shouldContain "asks for 4096"
    }

    test("the firewall's table counts only where there is a firewall") {
        val name = "net.netfilter.nf_conntrack_max"
        examine {}.findings.filter { it.subject == name }.shouldBeEmpty()
        examine { sysctl(name, "65536") }.finding(name).action shouldBe "sysctl -w $name=200000"
    }

    test("a number beyond 63 bits is no limit") {
        val finding = examine { sysctl("fs.file-max", "18446744073709551615") }.finding("fs.file-max")
        finding.mark shouldBe OK
        finding.value shouldStartWith "unlimited"
        finding.facts["present"] shouldBe "unlimited"
    }

    test("too few descriptors: where to raise them") {
        val finding = examine { limits(soft = "1024", hard = "4096") }.finding("descriptors")
        finding.mark shouldBe NOTE
        finding.value shouldBe "1024 (110000 or more), hard limit 4096: fewer connections than that"
        finding.action!! shouldContain "LimitNOFILE=110000"
        finding.facts shouldBe mapOf("soft" to 1024L, "hard" to 4096L, "recommended" to 110_000L)
    }

    test("too few descriptors, because the JVM was told not to take what it may have") {
        val finding = examine { limits(soft = "1024", hard = "1048576") }.finding("descriptors")
        finding.action!! shouldContain "-XX:-MaxFDLimit"
    }

    test("descriptors without a limit") {
        examine { limits(soft = "unlimited", hard = "unlimited") }.finding("descriptors").mark shouldBe OK
    }

    test("the backlog is what the system allows, as far as an old kernel can count") {
        examine { sysctl("net.core.somaxconn", "1000") }.finding("backlog").facts["asked"] shouldBe 1000L
        examine { sysctl("net.core.somaxconn", "1000000") }.finding("backlog").facts["asked"] shouldBe 65_535L
    }

    test("processors, and half as many loops") {
        val finding = examine {}.finding("processors")
        finding.value shouldBe "8 for the JVM, so 4 event loops by default; affinity 0-7, CPU quota none"
        examine { jvm = jvm.copy(processors = 1) }.finding("processors").value shouldContain "so 1 event loop by default"
    }

    test("a CPU quota that the JVM goes by, and one that it ignores") {
        val respected = examine {
            file("sys/fs/cgroup/cpu.max", "150000 100000\n")
            jvm = jvm.copy(processors = 2)
        }.finding("processors")
        respected.mark shouldBe OK
        respected.value shouldContain "CPU quota 1.50"
        val ignored = examine { file("sys/fs/cgroup/cpu.max", "150000 100000\n") }.finding("processors")
        ignored.mark shouldBe NOTE
        ignored.action!! shouldContain "-XX:ActiveProcessorCount=2"
    }

    test("heap and direct memory that can outgrow the container, though not the machine") {
        val finding = examine { file("sys/fs/cgroup/memory.max", "${6L shl 30}\n") }.finding("memory")
        finding.mark shouldBe NOTE
        finding.value shouldBe "16384 MiB, cgroup limit 6144 MiB; heap up to 4096 MiB, direct memory up to 4096 MiB"
        finding.action!! shouldContain "-XX:MaxDirectMemorySize"
    }

    test("a JVM that does not tell its limit of direct memory") {
        val finding = examine { jvm = jvm.copy(maxDirect = null) }.finding("memory")
        finding.mark shouldBe OK
        finding.value shouldContain "direct memory up to unknown"
        finding.value shouldNotContain "null"
    }
})
