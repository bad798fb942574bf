package io.netpark.samples.demo

import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Says what goes on now: in one line that changes on a terminal, in a line a second elsewhere. */
internal class Progress(private val isTerminal: Boolean = standardOutputIsTerminal()) {

    /** How often to [show]. */
    val interval: Duration = if (isTerminal) 250.milliseconds else 1.seconds

    private var phase = ""
    private var start = 0L

    /** What is going on from now. */
    fun begin(phase: String) {
        clear()
        this.phase = phase
        start = System.nanoTime()
        if (isTerminal) print(phase)
    }

    /** How fast it is going on, in messages a second. */
    fun show(rate: Long) {
        val seconds = (System.nanoTime() - start) / 1e9
        val line = String.format(Locale.ROOT, "%-24s %5.1f s  %,10d requests/s", phase, seconds, rate)
        if (isTerminal) print("\r$line") else println(line)
    }

    /** Takes away the line that changes. */
    fun clear() {
        if (isTerminal) print("\r\u001b[K")
    }

    private companion object {
        /** From the kernel: System.console() says "yes" also to a pipe since JDK 22. */
        fun standardOutputIsTerminal(): Boolean = try {
            val target = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString()
            target.startsWith("/dev/pts/") || target.startsWith("/dev/tty")
        } catch (_: IOException) {
            false
        }
    }
}
