package io.netpark.coroutines

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import java.lang.management.ManagementFactory
import java.nio.file.Path

class AllocationSpec : NetparkSpec(body = {
    for (libc in Bindings.all) for (way in listOf("buffers", "readers")) {
        test("${libc.binding()}: a handler that uses $way on its own loop allocates nothing for a request in steady state") {
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
