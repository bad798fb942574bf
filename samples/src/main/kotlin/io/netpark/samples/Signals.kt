package io.netpark.samples

import sun.misc.Signal
import sun.misc.SignalHandler
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.system.exitProcess

/**
 * The signals that end a program: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when its terminal is closed.
 *
 * ```
 * running --first signal--> ending in order --second signal--> ended at once, with 128 and the signal's number
 * ```
 *
 * The JVM's own way to hear of a signal is a shutdown hook. While hooks run it takes no second signal, so a drain that lasts too
 * long could only be killed, and its exit status would be that of a program which a signal has killed.
 */
internal object Signals {

    /** SIGINT is 2, SIGTERM is 15 (signal(7)). */
    private const val KILLED = 128

    /**
     * Runs [end] at the first signal, on a thread of its own, and exits with the status that it returns.
     *
     * @return does what the first signal does
     */
    fun endBy(end: () -> Int): () -> Unit {
        val isEnding = AtomicBoolean()
        fun begin() {
            val ending = Thread({ exitProcess(statusOf(end)) }, "end")
            ending.isDaemon = false // as the signal's own thread is: the JVM would not wait for what is left when the event loops are gone
            ending.start()
        }
        val handler = SignalHandler { signal ->
            if (isEnding.getAndSet(true)) Runtime.getRuntime().halt(KILLED + signal.number)
            begin()
        }
        for (name in listOf("INT", "TERM", "HUP")) {
            try {
                // A signal that is ignored when the program starts, as by nohup, stays so: the JVM sees to that.
                Signal.handle(Signal(name), handler)
            } catch (_: IllegalArgumentException) {
                // The JVM was told to leave it alone (-Xrs): it kills, as it does any program.
            }
        }
        return { if (!isEnding.getAndSet(true)) begin() }
    }

    private fun statusOf(end: () -> Int): Int = try {
        end()
    } catch (failure: Throwable) {
        failure.printStackTrace()
        1
    }
}
