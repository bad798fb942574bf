package io.netpark.core.blockhound

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import java.lang.management.ManagementFactory
import java.nio.file.Path
import kotlin.time.Duration.Companion.minutes

/** In JVMs of their own: BlockHound changes the JDK's classes for good. */
class BlockHoundSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        test("${libc.binding()}: blocking on a loop is caught, and what loops do themselves is not").config(timeout = 5.minutes) {
            val options = ManagementFactory.getRuntimeMXBean().inputArguments.filter { it.startsWith("--") }
            val classPath = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
            val probe = ProcessBuilder(
                listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) + options +
                    listOf(
                        "-XX:+AllowRedefinitionToAddDeleteMethods", "-XX:+EnableDynamicAgentLoading",
                        "-D${Binding.PROPERTY}=${libc.binding()}", "-cp", classPath,
                        "io.netpark.core.blockhound.BlockHoundProbeKt",
                    ),
            ).redirectErrorStream(true).start()
            val output = probe.inputStream.bufferedReader().readText()
            withClue(output) { probe.waitFor() shouldBe 0 }
        }
    }

    test("where a loop may block is there by its name") {
        for ((type, method) in listOf(
            "io.netpark.core.loop.Reports" to "report",
            "io.netpark.core.loop.TurnFailures" to "pause",
            "io.netpark.core.tls.TaskThreads" to "execute",
            "sun.security.provider.NativePRNG" to "engineNextBytes",
        )) {
            Class.forName(type).declaredMethods.map { it.name } shouldContain method
        }
    }
})
