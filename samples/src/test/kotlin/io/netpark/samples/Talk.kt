package io.netpark.samples

import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** A program of others that one talks with. Killed when it is closed. */
internal open class Talk(vararg command: String) : AutoCloseable {

    val process: Process = ProcessBuilder(*command).redirectErrorStream(true).start()
    private val said = StringBuilder()
    private val reading = thread(isDaemon = true) {
        val characters = CharArray(4096)
        process.inputStream.reader().let { input ->
            while (true) {
                val count = input.read(characters)
                if (count < 0) break
                synchronized(said) { said.append(characters, 0, count) }
            }
        }
    }

    fun say(line: String) = process.outputStream.run {
        write("$line\n".toByteArray())
        flush()
    }

    /** Waits until it has said this, wherever in a line, and forgets everything up to there. */
    fun await(text: String) = soon {
        synchronized(said) {
            val at = said.indexOf(text)
            check(at >= 0) { "no $text in: $said" }
            said.delete(0, at + text.length)
        }
    }

    /** Waits for its end, and returns all that was not awaited, and its status. */
    fun end(): Pair<String, Int> {
        process.outputStream.close()
        check(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "still running after $PATIENCE_SECONDS s: $said" }
        reading.join()
        return synchronized(said) { "$said" } to process.exitValue()
    }

    override fun close() {
        process.destroyForcibly().waitFor()
    }
}
