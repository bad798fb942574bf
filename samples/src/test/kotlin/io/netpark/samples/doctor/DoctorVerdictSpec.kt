package io.netpark.samples.doctor

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldNotContain
import io.netpark.core.sys.Binding.FFM
import io.netpark.core.sys.Binding.JNA
import io.netpark.samples.SampleSpec
import io.netpark.samples.doctor.Mark.NOTE
import io.netpark.samples.doctor.Mark.OK
import io.netpark.samples.doctor.Mark.PROBLEM
import io.netpark.samples.json.parsedJson

/** Whether Netpark can run, on machines that are made up. */
class DoctorVerdictSpec : SampleSpec({

    fun examine(change: Patient.() -> Unit): Report = Patient().use { it.change(); it.examine() }

    fun Report.shouldBeUnable(subject: String): Finding {
        canRun shouldBe false
        lines().last() shouldContain "Netpark cannot run here: 1 problem, "
        return findings.single { it.mark == PROBLEM }.also { it.subject shouldBe subject }
    }

    test("all is well") {
        val report = examine {}
        report.canRun shouldBe true
        report.lines().last() shouldBe "Netpark can run here: epoll by FFM; no notes."
    }

    test("notes are counted, and do not keep Netpark from running") {
        val report = examine { limits("10", "10"); sysctl("net.core.somaxconn", "1") }
        report.canRun shouldBe true
        report.lines().last() shouldBe "Netpark can run here: epoll by FFM; 2 notes."
    }

    test("another system: nothing else is looked at") {
        val report = examine { platform = "made for Linux" }
        report.shouldBeUnable("system").value shouldContain "made for Linux"
        report.findings.map { it.subject } shouldBe listOf("system", "JDK")
    }

    test("no foreign-function API: JNA, with a note what the other takes") {
        val report = examine { unavailable[FFM] = "too old" }
        report.lines().last() shouldBe "Netpark can run here: epoll by JNA; 1 note."
        report.finding("binding").value shouldBe "JNA: FFM is not available"
        report.finding("binding FFM").apply {
            mark shouldBe NOTE
            value shouldBe "not available: too old"
            action!! shouldContain "JDK 22"
            facts shouldBe mapOf("available" to false, "works" to false, "reason" to "too old")
        }
    }

    test("one that is not available is asked for: the other is offered") {
        val report = examine { unavailable[FFM] = "too old"; jvm = jvm.copy(bindingProperty = "ffm") }
        report.shouldBeUnable("binding FFM").action!! shouldContain "-Dnetpark.binding=jna"
        report.finding("binding").value shouldContain "-Dnetpark.binding=ffm asks for it"
    }

    test("the default fails: Netpark would not try the other by itself, so it is offered") {
        val problem = examine { failing[FFM] = "broken" }.shouldBeUnable("binding FFM")
        problem.value shouldBe "fails: broken"
        problem.action!! shouldContain "-Dnetpark.binding=jna"
    }

    test("the JVM refuses native calls: the option that allows them, for each binding") {
        val report = examine { failing[FFM] = "denied"; failing[JNA] = "denied"; jvm = jvm.copy(nativeAccess = false) }
        report.shouldBeUnable("binding FFM")
        for (subject in listOf("binding FFM", "binding JNA")) {
            report.finding(subject).action!! shouldContain "--enable-native-access=ALL-UNNAMED"
        }
    }

    test("the other fails: a note") {
        val report = examine { failing[JNA] = "no library" }
        report.canRun shouldBe true
        report.finding("binding JNA").apply {
            mark shouldBe NOTE
            action!! shouldContain "-Djna.tmpdir"
            action!! shouldNotContain "-Dnetpark.binding"
        }
    }

    test("a filter of system calls is in the way of both: it is what has to change") {
        val filtered = "epoll_create1: EPERM (Operation not permitted); a filter of system calls (seccomp) forbids it"
        val report = examine { failing[FFM] = filtered; failing[JNA] = filtered }
        report.shouldBeUnable("binding FFM").value shouldBe "fails: $filtered"
        for (subject in listOf("binding FFM", "binding JNA")) {
            report.finding(subject).action shouldBe "allow this process the system call: it cannot do without"
        }
    }

    test("none works: none is offered") {
        val problem = examine { failing[FFM] = "denied"; failing[JNA] = "denied too" }.shouldBeUnable("binding FFM")
        problem.action!! shouldNotContain "-Dnetpark.binding"
    }

    test("one that does not exist is asked for") {
        val problem = examine { jvm = jvm.copy(bindingProperty = "nonsense") }.shouldBeUnable("binding")
        problem.value shouldBe "nonsense is not a binding"
        problem.action!! shouldContain "take -Dnetpark.binding=nonsense away"
    }

    test("without a binding nothing is sent") {
        val report = examine { failing[FFM] = "denied"; unreachable["127.0.0.1"] = "never asked" }
        report.findings.filter { it.subject.startsWith("IPv") }.shouldBeEmpty()
    }

    test("without IPv4 nothing works, without IPv6 much does") {
        examine { unreachable["127.0.0.1"] = "ENETUNREACH" }.shouldBeUnable("IPv4").value shouldBe "fails: ENETUNREACH"
        val report = examine { unreachable["::1"] = "EADDRNOTAVAIL" }
        report.canRun shouldBe true
        report.finding("IPv6").mark shouldBe NOTE
    }

    test("native access: not needed, given, not given") {
        examine { jvm = jvm.copy(nativeAccess = null) }.finding("native access").mark shouldBe OK
        examine { jvm = jvm.copy(nativeAccess = true) }.finding("native access").mark shouldBe OK
        examine { jvm = jvm.copy(nativeAccess = false) }.finding("native access").apply {
            mark shouldBe NOTE
            action!! shouldEndWith "--enable-native-access=ALL-UNNAMED"
        }
    }

    test("whoever is noted is told what to do") {
        val reports = listOf(
            examine { failing[FFM] = "x"; unavailable[JNA] = "y"; limits("1", "1"); jvm = jvm.copy(nativeAccess = false) },
            examine { unreachable["127.0.0.1"] = "x"; unreachable["::1"] = "y"; hideSysctl("fs.nr_open") },
            examine { hide("proc/self/limits"); hide("proc/meminfo") },
            examine { platform = "x" },
        )
        for (report in reports) {
            report.findings.filter { it.mark != OK }.shouldNotBeEmpty().filter { it.action == null }.shouldBeEmpty()
        }
    }

    test("the text: a line for each finding in columns, what to do below it") {
        val lines = examine { sysctl("net.core.somaxconn", "128") }.lines()
        val at = lines.indexOfFirst { it.startsWith("note ") }
        lines[at] shouldContain Regex("^note     net\\.core\\.somaxconn +128 ")
        lines[at + 1] shouldBe "         -> sysctl -w net.core.somaxconn=16384"
        val columns = lines.takeWhile { it.isNotEmpty() }.filter { "->" !in it }
        columns.map { Regex("^\\w+ +.*?  +").find(it)!!.value.length }.distinct().size shouldBe 1
    }

    test("the JSON has the same findings as the text, also of a machine that is ill") {
        val report = examine { failing[FFM] = "\"quoted\"\n"; limits("unlimited", "unlimited"); hideSysctl("fs.nr_open") }
        val parsed = parsedJson(report.json()) as Map<*, *>
        parsed["canRun"] shouldBe false
        parsed["binding"] shouldBe null
        parsed["problems"] shouldBe 1L
        parsed["summary"] shouldBe report.lines().last()
        val findings = (parsed["findings"] as List<*>).map { it as Map<*, *> }
        findings.map { it["subject"] } shouldBe report.findings.map { it.subject }
        findings.map { it["mark"] } shouldBe report.findings.map { it.mark.name.lowercase() }
        findings.map { it["value"] } shouldBe report.findings.map { it.value }
        findings.map { it["action"] } shouldBe report.findings.map { it.action }
        parsed["notes"] shouldBe findings.count { it["mark"] == "note" }.toLong()
    }

    test("TLS: the versions, by whom, and AES") {
        examine {}.finding("TLS").apply {
            mark shouldBe OK
            value shouldBe "TLSv1.3, TLSv1.2 by SunJSSE; AES in hardware"
            facts shouldBe mapOf(
                "protocols" to listOf("TLSv1.3", "TLSv1.2"), "providers" to listOf("SunJSSE"), "aes" to true, "usesAes" to true,
            )
        }
        examine { file("proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd aes pmull\n") }.finding("TLS").mark shouldBe OK
        examine { hide("proc/cpuinfo") }.finding("TLS").apply {
            mark shouldBe OK
            value shouldEndWith "AES in hardware: unknown"
        }
    }

    test("TLS that is slow, or not there: a note, and what to do") {
        fun note(change: Patient.() -> Unit) = examine(change).finding("TLS").also { it.mark shouldBe NOTE }
        note { file("proc/cpuinfo", "flags\t\t: fpu sse2 avx\n") }.apply {
            value shouldEndWith "AES not in hardware"
            action!! shouldContain "virtual machine"
        }
        note { jvm = jvm.copy(usesAes = false) }.action!! shouldContain "-XX:-UseAES"
        note { jvm = jvm.copy(tlsProtocols = listOf("TLSv1.2", "TLSv1.1")) }.apply {
            value shouldContain "TLSv1.2 by SunJSSE"
            action!! shouldContain "TLSv1.3 is disabled"
        }
        note { jvm = jvm.copy(tlsProtocols = emptyList(), tlsProviders = emptyList()) }.value shouldContain "no version in use by nobody"
    }
})
