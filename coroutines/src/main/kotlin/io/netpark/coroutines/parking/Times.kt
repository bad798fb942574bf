package io.netpark.coroutines.parking

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.Due
import kotlin.time.Duration
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.TimeMark
import kotlin.time.TimeSource

/** This as a timeout for core, where no timeout is [Due.FOREVER]. */
internal fun Duration.timeoutNanos(what: String): Long {
    require(this > Duration.ZERO) { "the $what must be positive: $this; Duration.INFINITE is none" }
    return inWholeNanoseconds.coerceAtMost(Due.FOREVER)
}

/** A timeout of core as a duration. */
internal fun timeoutOf(nanos: Long): Duration = if (nanos >= Due.FOREVER) Duration.INFINITE else nanos.nanoseconds

/** The deadline; null for none. The mark is of the monotonic clock, whichever clock the deadline was set by. */
internal fun Descriptor.deadlineMark(direction: Direction): TimeMark? {
    val deadline = deadline(direction)
    if (deadline == 0L) return null
    return TimeSource.Monotonic.markNow() + (deadline - System.nanoTime()).nanoseconds
}

internal fun Descriptor.setDeadline(direction: Direction, mark: TimeMark?) {
    if (mark == null) {
        clearDeadline(direction)
    } else {
        setDeadline(direction, Due.`in`((-mark.elapsedNow()).inWholeNanoseconds))
    }
}
