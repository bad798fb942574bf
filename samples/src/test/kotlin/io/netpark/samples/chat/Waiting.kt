package io.netpark.samples.chat

import io.netpark.samples.PATIENCE_SECONDS
import kotlin.time.Duration.Companion.seconds

/** Waits for what another process will do. */
fun eventually(what: String, condition: () -> Boolean) {
    val end = System.nanoTime() + PATIENCE_SECONDS.seconds.inWholeNanoseconds
    while (!condition()) {
        check(System.nanoTime() < end) { "not within $PATIENCE_SECONDS s: $what" }
        Thread.sleep(10)
    }
}

/** The number, once it has not changed for half a second. */
fun awaitSteady(number: () -> Int): Int {
    var last = number()
    var since = System.nanoTime()
    eventually("a number that does not change") {
        val now = number()
        if (now != last) {
            last = now
            since = System.nanoTime()
        }
        System.nanoTime() - since > 500_000_000
    }
    return last
}
