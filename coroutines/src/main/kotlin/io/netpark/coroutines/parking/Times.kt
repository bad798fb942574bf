package io.netpark.coroutines.parking

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Due
import kotlin.time.AbstractLongTimeSource
import kotlin.time.Duration
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.DurationUnit
import kotlin.time.TimeMark
import kotlin.time.TimeSource

/** This as a timeout for core, where no timeout is [Due.FOREVER]. */
internal fun Duration.timeoutNanos(what: String): Long {
    require(this > Duration.ZERO) { "the $what must be positive: $this; Duration.INFINITE is none" }
    return inWholeNanoseconds.coerceAtMost(Due.FOREVER)
}

/** A timeout of core as a duration. */
internal fun timeoutOf(nanos: Long): Duration = if (nanos >= Due.FOREVER) Duration.INFINITE else nanos.nanoseconds

/** This clock as a [TimeSource]. */
internal fun Clock.timeSource(): TimeSource = if (this === Clock.SYSTEM) TimeSource.Monotonic else ClockTime(this)

private class ClockTime(private val clock: Clock) : AbstractLongTimeSource(DurationUnit.NANOSECONDS) {
    override fun read(): Long = clock.nanoTime()
}

/** The deadline; null for none. The mark is of the loop's clock, whichever clock the deadline was set by. */
internal fun Descriptor.deadlineMark(direction: Direction): TimeMark? {
    val deadline = deadline(direction)
    if (deadline == 0L) return null
    val clock = loop().clock()
    return clock.timeSource().markNow() + (deadline - clock.nanoTime()).nanoseconds
}

internal fun Descriptor.setDeadline(direction: Direction, mark: TimeMark?) {
    if (mark == null) {
        clearDeadline(direction)
    } else {
        setDeadline(direction, loop().clock().after((-mark.elapsedNow()).inWholeNanoseconds))
    }
}
