package io.netpark.core.testing

import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** The limit of everything that is expected to happen soon: long enough for a busy machine. */
val SOON = 20.seconds

/** Repeats [assertion] until it holds; its last failure is thrown when [within] is over. */
fun <T> eventually(within: Duration = SOON, assertion: () -> T): T {
    val end = System.nanoTime() + within.inWholeNanoseconds
    while (true) {
        try {
            return assertion()
        } catch (failure: Throwable) {
            if (failure is InterruptedException || System.nanoTime() - end > 0) throw failure
        }
        Thread.sleep(1)
    }
}

/** A [System.nanoTime] value [duration] from now. */
fun fromNow(duration: Duration): Long = System.nanoTime() + duration.inWholeNanoseconds
