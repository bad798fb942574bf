package io.netpark.core.report;

import java.time.Duration;

/**
 * The cause of a report that tells of others: so many of one kind came that they were counted instead of being passed on. The
 * {@linkplain #getCause cause} is that of the last of them. It has no stack of its own.
 */
public final class Withheld extends Exception {

    private static final long serialVersionUID = 1L;

    /** How many. */
    private final long count;
    /** In which time. */
    private final Duration time;

    Withheld(long count, Duration time, Throwable last) {
        super(count + " reports were counted and not passed on", last, false, false);
        this.count = count;
        this.time = time;
    }

    /** How many were not passed on. */
    public long count() {
        return count;
    }

    /** In which time they came. */
    public Duration time() {
        return time;
    }
}
