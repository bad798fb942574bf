package io.netpark.samples

import java.util.concurrent.TimeUnit

/** Repeats [assertion] until it holds; its last failure is thrown when that takes too long. */
fun <T> soon(assertion: () -> T): T {
    val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)
    while (true) {
        try {
            return assertion()
        } catch (failure: Throwable) {
            if (failure is InterruptedException || System.nanoTime() - end > 0) throw failure
        }
        Thread.sleep(5)
    }
}
