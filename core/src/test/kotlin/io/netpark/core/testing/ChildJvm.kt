package io.netpark.core.testing

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import java.io.IOException
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
        val status = process.waitFor()
        val signal = status - KILLED
        withClue({ output + if (signal > 0) "\nended by signal $signal; the kernel says:\n${kernelsWords()}" else "" }) {
            status shouldBe 0
        }
        return output
    }

    private companion object {
        /** The status of a process that a signal has ended, but for the signal's number. */
        const val KILLED = 128

        /** Where a process was that has died without a word of its own: the kernel writes it down, if that may be read. */
        fun kernelsWords(): String = try {
            val log = ProcessBuilder("dmesg").redirectErrorStream(true).start()
            log.outputStream.close()
            log.inputStream.bufferedReader().readLines().takeLast(8).joinToString("\n").also { log.waitFor() }
        } catch (e: IOException) {
            "nothing: ${e.message}"
        }
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

/**
 * The command of a JVM like this one, to run a main class with the classes of the tests. What it has to say of its own crash goes
 * to its output, where a test that fails shows it.
 */
fun childJvm(main: String, options: List<String> = emptyList(), classPath: String = testClassPath()): List<String> =
    listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) +
        ManagementFactory.getRuntimeMXBean().inputArguments.filter { it.startsWith("--") } +
        listOf("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ErrorFileToStdout", "-XX:-CreateCoredumpOnCrash") + options +
        listOf("-cp", classPath, main)

fun testClassPath(): String = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")

/** What it has printed, and its exit status. */
fun List<String>.runToEnd(): Pair<String, Int> {
    val process = ProcessBuilder(this).redirectErrorStream(true).start()
    val output = process.outputToEnd()
    return output to process.waitFor()
}
