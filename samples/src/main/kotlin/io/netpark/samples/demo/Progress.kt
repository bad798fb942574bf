package io.netpark.samples.demo

import io.netpark.samples.LiveLine
import java.util.Locale
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Says what goes on now: in one line that changes on a terminal, in a line a second elsewhere. */
internal class Progress(private val line: LiveLine = LiveLine()) {

    /** How often to [show]. */
    val interval: Duration = if (line.isTerminal) 250.milliseconds else 1.seconds

    private var phase = ""
    private var start = 0L

    /** What is going on from now. */
    fun begin(phase: String) {
        clear()
        this.phase = phase
        start = System.nanoTime()
        if (line.isTerminal) line.show(phase)
    }

    /** How fast it is going on, in messages a second. */
    fun show(rate: Long) {
        val seconds = (System.nanoTime() - start) / 1e9
        line.show(String.format(Locale.ROOT, "%-24s %5.1f s  %,10d requests/s", phase, seconds, rate))
    }

    /** Takes away the line that changes. */
    fun clear() = line.clear()
}
