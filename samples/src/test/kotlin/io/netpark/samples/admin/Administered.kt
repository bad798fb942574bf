package io.netpark.samples.admin

import io.netpark.samples.RunningProgram
import io.netpark.samples.program

/** A sample that serves, and the command by which it can be looked at. */
internal class Administered(main: String, address: String, vararg options: String) : AutoCloseable {

    val program = RunningProgram(main, "--port", "0", "--admin", address, *options)

    private val command = generateSequence { program.line() }.firstOrNull { it.startsWith(SAID) }?.removePrefix(SAID)
        ?: error("it says ${program.errorLines()}")

    /** What curl gets, and its exit status. */
    fun curl(page: String, vararg options: String): Pair<String, Int> =
        program(*"$command$page".split(' ').toTypedArray(), "-sS", "--max-time", "30", *options)

    override fun close(): Unit = program.close()

    private companion object {
        const val SAID = "look at it by: "
    }
}
