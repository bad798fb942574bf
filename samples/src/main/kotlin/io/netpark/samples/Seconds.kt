package io.netpark.samples

import picocli.CommandLine.ITypeConverter
import picocli.CommandLine.TypeConversionException
import java.time.Duration

/** A time on the command line: how many seconds, as 5 or 0.25. */
internal class Seconds : ITypeConverter<Duration> {

    override fun convert(text: String): Duration {
        val seconds = text.toDoubleOrNull()
        if (seconds == null || !(seconds >= 0 && seconds <= MOST)) { // also for what is no number at all
            throw TypeConversionException("'$text' is not a number of seconds, from 0 to $MOST")
        }
        return Duration.ofNanos((seconds * NANOS).toLong())
    }

    private companion object {
        /** Three years. What counts in nanoseconds would overflow after 292. */
        const val MOST = 100_000_000
        const val NANOS = 1e9
    }
}
