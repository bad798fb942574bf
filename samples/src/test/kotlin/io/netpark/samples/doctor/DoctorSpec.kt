package io.netpark.samples.doctor

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldExist
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.Binding
import io.netpark.samples.DOCTOR
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.json.parsedJson

/** The program, as its user runs it. */
class DoctorSpec : SampleSpec({

    test("says that Netpark can run here, and by what: status 0") {
        RunningProgram(DOCTOR).use { doctor ->
            val lines = doctor.rest().lines().dropLast(1)
            doctor.status() shouldBe 0
            doctor.errorLines() shouldBe emptyList()
            val notes = when (val count = lines.count { it.startsWith("note ") }) {
                0 -> "no notes"
                1 -> "1 note"
                else -> "$count notes"
            }
            lines.last() shouldBe "Netpark can run here: epoll by ${Binding.defaultLibC().binding()}; $notes."
            for (subject in listOf("system", "JDK", "binding", "processors", "TLS", "descriptors", "net.core.somaxconn")) {
                lines.shouldExist { Regex("(ok|note) +$subject  .*").matches(it) }
            }
        }
    }

    test("--json has the same findings, in the same words and order") {
        val lines = RunningProgram(DOCTOR).use { it.rest().lines() }
        RunningProgram(DOCTOR, "--json").use { doctor ->
            val report = parsedJson(doctor.rest()) as Map<*, *>
            doctor.status() shouldBe 0
            doctor.errorLines() shouldBe emptyList()
            report["canRun"] shouldBe true
            report["binding"] shouldBe Binding.defaultLibC().binding().name
            report["summary"] shouldBe lines.last { it.isNotEmpty() }
            val findings = (report["findings"] as List<*>).map { it as Map<*, *> }
            val expected = findings.flatMap { finding ->
                val line = "${finding["mark"]} ${finding["subject"]} ${finding["value"]}"
                listOfNotNull(line, finding["action"]?.let { "-> $it" })
            }
            lines.takeWhile { it.isNotEmpty() }.map { it.trim().replace(Regex(" +"), " ") } shouldContainExactly expected
        }
    }

    test("a binding that does not exist is asked for: what there is, status 1") {
        RunningProgram(DOCTOR, jvmOptions = listOf("-Dnetpark.binding=nonsense")).use { doctor ->
            val lines = doctor.rest().lines().dropLast(1)
            doctor.status() shouldBe 1
            val problem = lines.single { it.startsWith("PROBLEM") }
            problem shouldContain "-Dnetpark.binding=nonsense is not a binding; use auto, jna or ffm"
            lines.last() shouldContain "Netpark cannot run here: 1 problem, "
        }
    }

    test("a binding that is there but does not work is asked for: the reason and the way out, status 1") {
        // JNA's own library comes from its jar, by way of a file; here there is nowhere to put it.
        val options = listOf("-Dnetpark.binding=jna", "-Djna.nosys=true", "-Djna.nounpack=true", "-Djna.noclasspath=true")
        RunningProgram(DOCTOR, "--json", jvmOptions = options).use { doctor ->
            val report = parsedJson(doctor.rest()) as Map<*, *>
            doctor.status() shouldBe 1
            report["canRun"] shouldBe false
            report["binding"] shouldBe null
            val jna = (report["findings"] as List<*>).map { it as Map<*, *> }.single { it["subject"] == "binding JNA" }
            jna["mark"] shouldBe "problem"
            jna["action"] as String shouldContain "-Djna.tmpdir"
        }
    }

    test("native access that was not granted is noted, though trying the bindings grants it")
        .config(enabled = Runtime.version().feature() >= 22) {
            RunningProgram(DOCTOR, nativeAccess = false).use { doctor ->
                doctor.rest().lines().single { "native access" in it } shouldContain Regex("^note .* not enabled")
                doctor.status() shouldBe 0
            }
        }

    test("where the JVM refuses native calls: the option to start it with, status 1")
        .config(enabled = Runtime.version().feature() >= 24) {
            val options = listOf("--illegal-native-access=deny")
            RunningProgram(DOCTOR, jvmOptions = options, nativeAccess = false).use { doctor ->
                val lines = doctor.rest().lines()
                doctor.status() shouldBe 1
                val problem = lines.indexOfFirst { it.startsWith("PROBLEM") }
                lines[problem] shouldContain "binding FFM"
                lines[problem + 1] shouldContain "--enable-native-access=ALL-UNNAMED"
            }
        }

    test("an option it does not know: the usage, status 2") {
        RunningProgram(DOCTOR, "--xml").use { doctor ->
            doctor.status() shouldBe 2
            doctor.errorLines().joinToString("\n") shouldContain "Usage: samples/run doctor"
        }
    }

    test("says how many event loops there will be") {
        val loops = EventLoopGroup.builder().daemon(true).open().use { it.loops().size }
        RunningProgram(DOCTOR, "--json").use { doctor ->
            val findings = ((parsedJson(doctor.rest()) as Map<*, *>)["findings"] as List<*>).map { it as Map<*, *> }
            (findings.single { it["subject"] == "processors" }["facts"] as Map<*, *>)["loops"] shouldBe loops.toLong()
        }
    }
})
