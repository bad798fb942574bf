package io.netpark.core.loop

import io.netpark.core.testing.TestReactor
import java.time.Duration

private const val MILLIS = 1_000_000L

/** What [WatchdogSpec] runs in a JVM of its own: it is stopped for longer than the watchdog allows, while a task is running. */
fun main() = TestReactor(configure = { watchdog(Duration.ofMillis(2000)) }).use { reactor ->
    val self = ProcessHandle.current().pid()
    reactor.loop.submit {
        spin(1100) // the watchdog sees it
        var last = System.nanoTime() // before the start, which may not have returned when the process is stopped
        ProcessBuilder("sh", "-c", "kill -STOP $self; sleep 4; kill -CONT $self").start()
        var gap = 0L
        while (gap < 3000 * MILLIS) {
            Thread.onSpinWait()
            val now = System.nanoTime()
            gap = now - last
            last = now
        }
        spin(250) // the watchdog looks meanwhile
        println("stood still for ${gap / MILLIS} ms")
    }.get()
    reactor.reporter.shouldBeSilent()
}

private fun spin(millis: Long) {
    val since = System.nanoTime()
    while (System.nanoTime() - since < millis * MILLIS) Thread.onSpinWait()
}
