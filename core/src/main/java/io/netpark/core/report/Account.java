package io.netpark.core.report;

import org.jspecify.annotations.Nullable;

/**
 * How many reports of one kind there were in a period. Not thread-safe.
 *
 * <pre>
 *   quiet --takes--> passing on --takes, and the limit is reached--> counting
 *   passing on --the period is over--> quiet
 *   counting --the period is over, end() tells of those that were counted--> counting, for another period
 *            --the period is over, none was counted--> quiet
 * </pre>
 */
final class Account {

    /** What is told of those that were counted. */
    record Summary(long count, long nanos, String last, Throwable cause) {}

    private static final int ALL = Integer.MAX_VALUE;

    /** Whether a period goes on, or is over and nobody has looked. */
    private boolean open;
    private long began;
    private int passedOn;
    private long counted;
    private @Nullable String last;
    private @Nullable Throwable cause;

    /** Whether nothing is remembered that matters. */
    boolean isQuiet(long now) {
        return counted == 0 && isOver(now);
    }

    /** Whether something was counted and is to be told. */
    boolean owes() {
        return counted > 0;
    }

    private boolean isOver(long now) {
        return !open || left(now) <= 0;
    }

    /** How long the period goes on, in nanoseconds. */
    long left(long now) {
        return Ration.PERIOD - (now - began);
    }

    /**
     * Takes a report, behind {@link #end}.
     *
     * @return whether it is to be passed on; otherwise it has been counted
     */
    boolean takes(String what, Throwable of, int limit, long now) {
        if (isQuiet(now)) {
            open = true;
            began = now;
            passedOn = 0;
        }
        if (passedOn < limit) {
            passedOn++;
            return true;
        }
        counted++;
        last = what;
        cause = of;
        return false;
    }

    /**
     * Ends the period if it is over, or if it has to be, and begins another. Whatever is thrown, for want of memory, nothing has changed.
     *
     * @return what was counted; null if the period goes on, or nothing was
     */
    @Nullable Summary end(long now, boolean early) {
        if (counted == 0 || !early && !isOver(now)) {
            return null;
        }
        assert last != null && cause != null;
        Summary summary = new Summary(counted, now - began, last, cause);
        began = now;
        passedOn = ALL;
        counted = 0;
        last = null;
        cause = null;
        return summary;
    }
}
