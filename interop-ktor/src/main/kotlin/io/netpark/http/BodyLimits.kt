package io.netpark.http

import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * How long a body may be, and how slow its client.
 *
 * Only the time counts in which a client is waited for, and not the time that the application takes. A client has [time] to waste.
 * Each [rate] bytes that have come earn a second back, up to [time] again. So a client that sends nothing for [time] is too slow,
 * and so is a client that sends a byte now and then.
 *
 * @property bytes the most bytes of a body, without the framing of chunks; more are refused with 413
 * @property time how long a client is waited for; [Duration.INFINITE] for ever. Then the request is refused with 408
 * @property rate bytes a second that a client must keep to in the long run; 0 if no byte earns time back, so that [time] is for
 *     the whole body
 * @property quotedLineEnds whether a quoted string in a chunk extension may have a CRLF in it. No standard allows that, and Ktor's
 *     engines do. Whoever is in front may have seen the end of the line there. So a body that has one [is doubtful]
 *     [RequestBody.isDoubtful]. Otherwise the line ends there, and what is left of the string is refused with 400 or is data
 * @property trailers limits of the fields behind the last chunk; more are refused with 400
 */
public class BodyLimits(
    public val bytes: Long = Long.MAX_VALUE,
    public val time: Duration = 20.seconds,
    public val rate: Int = 500,
    public val quotedLineEnds: Boolean = false,
    public val trailers: HeadLimits = HeadLimits(),
) {
    init {
        require(bytes >= 0) { "a body cannot have $bytes bytes" }
        require(time.isPositive()) { "a client needs time for a body: $time" }
        require(rate >= 0) { "a rate cannot be negative: $rate" }
    }
}
