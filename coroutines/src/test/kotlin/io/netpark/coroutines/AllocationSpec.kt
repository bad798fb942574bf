package io.netpark.coroutines

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import java.lang.management.ManagementFactory
import java.nio.file.Path

class AllocationSpec : NetparkSpec(body = {
    val handlers = listOf("buffers", "readers", "numbers", "requests").map { it to "a handler that uses $it on its own loop allocates nothing for a request" }
    val others = listOf(
        "watched" to "a handler on a loop that has metrics and is recorded allocates nothing for a request",
        "messages" to "batches of messages allocate nothing",
    )
    for (libc in Bindings.all) for ((way, what) in handlers + others) {
        test("${libc.binding()}: $what in steady state") {
            val options = ManagementFactory.getRuntimeMXBean().inputArguments.filter { it.startsWith("--") }
            val classPath = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
            val probe = ProcessBuilder(
                listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) + options +
                    listOf("-D${Binding.PROPERTY}=${libc.binding()}", "-cp", classPath, "io.netpark.coroutines.AllocationProbeKt", way),
            ).redirectErrorStream(true).start()
            val output = probe.inputStream.bufferedReader().readText()
            withClue(output) { probe.waitFor() shouldBe 0 }
        }
    }
})
