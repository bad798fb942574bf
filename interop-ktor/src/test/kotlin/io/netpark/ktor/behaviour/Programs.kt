package io.netpark.ktor.behaviour

import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** What a program has printed, both streams, and its status. */
class Ran(val output: String, val status: Int) {

    /** It has ended well. */
    fun well(): String = output.also { check(status == 0) { "status $status: $output" } }
}

/** Runs a program to its end, within a minute. */
fun run(vararg command: String, input: String = ""): Ran {
    val process = ProcessBuilder(*command).redirectErrorStream(true).start()
    thread(isDaemon = true) { runCatching { process.outputStream.use { it.write(input.toByteArray()) } } }
    val limit = thread(isDaemon = true) { if (!process.waitFor(1, TimeUnit.MINUTES)) process.destroyForcibly() }
    val output = process.inputReader().readText()
    limit.join()
    return Ran(output, process.waitFor())
}
