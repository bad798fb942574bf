package io.netpark.core.testing

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import java.lang.management.ManagementFactory
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** A program of the test sources in a JVM of its own, like this one but for what is said here. */
class ChildJvm(private val mainClass: String, private val binding: Binding = Bindings.best.binding()) {

    private val javaOptions = mutableListOf<String>()
    private val environment = mutableMapOf<String, String>()
    private var folder: Path? = null

    fun option(option: String) = apply { javaOptions += option }

    fun environment(name: String, value: String) = apply { environment[name] = value }

    /** The working folder of the process. */
    fun startedIn(path: Path) = apply { folder = path }

    /** Runs it to its end, which has to be a good one, and returns what it has printed. */
    fun run(vararg arguments: String): String {
        val command = childJvm(mainClass, listOf("-Xmx128m", "-D${Binding.PROPERTY}=$binding") + javaOptions) + arguments
        val process = ProcessBuilder(command).redirectErrorStream(true).directory(folder?.toFile()).apply {
            environment().putAll(environment)
        }.start()
        val output = process.outputToEnd()
        withClue(output) { process.waitFor() shouldBe 0 }
        return output
    }
}

/** What it prints, until it ends or is ended, after a time that none of them needs. */
private fun Process.outputToEnd(): String {
    val limit = thread(name = "limit-of-a-child") { if (!waitFor(2, TimeUnit.MINUTES)) destroyForcibly() }
    try {
        return inputStream.bufferedReader().readText()
    } finally {
        limit.join()
    }
}

/** The command of a JVM like this one, to run a main class with the classes of the tests. */
fun childJvm(main: String, options: List<String> = emptyList(), classPath: String = testClassPath()): List<String> =
    listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) +
        ManagementFactory.getRuntimeMXBean().inputArguments.filter { it.startsWith("--") } +
        listOf("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1") + options + listOf("-cp", classPath, main)

fun testClassPath(): String = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")

/** What it has printed, and its exit status. */
fun List<String>.runToEnd(): Pair<String, Int> {
    val process = ProcessBuilder(this).redirectErrorStream(true).start()
    val output = process.outputToEnd()
    return output to process.waitFor()
}
