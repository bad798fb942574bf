package io.netpark.core.report;

import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How long something took, each time that it happened: a histogram, by the buckets of {@link DurationScale}. Immutable.
 */
public final class Durations {

    private static final double NANOS_A_SECOND = 1e9;

    /** It has never happened. */
    public static final Durations NONE = new Durations(new long[DurationScale.BUCKETS], 0, 0);

    private final long[] counts;
    private final long count;
    private final double sumNanos;
    private final long longestNanos;

    /**
     * Copies the array.
     *
     * @param counts how often it took how long, by bucket
     * @param sumNanos all of them together
     * @param longestNanos the longest of them
     * @throws IllegalArgumentException if there are not {@link DurationScale#BUCKETS} counts
     */
    public Durations(long[] counts, double sumNanos, long longestNanos) {
        if (counts.length != DurationScale.BUCKETS) {
            throw new IllegalArgumentException("a count for each of " + DurationScale.BUCKETS + " buckets, not " + counts.length);
        }
        this.counts = counts.clone();
        this.count = Arrays.stream(counts).sum();
        this.sumNanos = sumNanos;
        this.longestNanos = longestNanos;
    }

    /** How often it has happened. */
    public long count() {
        return count;
    }

    /** How long it took in all: exact up to 104 days, and to fifteen digits beyond. */
    public Duration sum() {
        long seconds = (long) (sumNanos / NANOS_A_SECOND);
        return Duration.ofSeconds(seconds, (long) (sumNanos - seconds * NANOS_A_SECOND));
    }

    /** How long it took at most; zero if it has not happened. */
    public Duration longest() {
        return Duration.ofNanos(longestNanos);
    }

    /**
     * How often it took at most so long. Exact for the bounds of {@link DurationScale}, which 1, 2 and 5 times a power of ten are among; else
     * as for the bound before.
     */
    public long atMost(Duration limit) {
        long nanos = nanos(limit);
        long sum = 0;
        for (int bucket = 0; bucket < counts.length && DurationScale.bound(bucket) <= nanos; bucket++) {
            sum += counts[bucket];
        }
        return sum;
    }

    private static long nanos(Duration limit) {
        return limit.getSeconds() >= Long.MAX_VALUE / (long) NANOS_A_SECOND ? Long.MAX_VALUE : limit.toNanos();
    }

    /**
     * What a part of them did not exceed: the median for 0.5. It is never less than the true value, and at most 5/3 of that, or 100 ns.
     *
     * @param part 0 to 1
     * @return zero if it has not happened
     */
    public Duration quantile(double part) {
        if (!(part >= 0 && part <= 1)) {
            throw new IllegalArgumentException("a quantile is that of a part from 0 to 1, not " + part);
        }
        long rank = Math.max(1, (long) Math.ceil(part * count));
        long seen = 0;
        for (int bucket = 0; bucket < counts.length; bucket++) {
            seen += counts[bucket];
            if (seen >= rank) {
                return Duration.ofNanos(Math.min(DurationScale.bound(bucket), longestNanos));
            }
        }
        return Duration.ZERO;
    }

    /** These and others. */
    public Durations and(Durations others) {
        long[] sums = counts.clone();
        Arrays.setAll(sums, bucket -> counts[bucket] + others.counts[bucket]);
        return new Durations(sums, sumNanos + others.sumNanos, Math.max(longestNanos, others.longestNanos));
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Durations that && sumNanos == that.sumNanos && longestNanos == that.longestNanos
                && Arrays.equals(counts, that.counts);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(counts) + Double.hashCode(sumNanos);
    }

    /** For people, so it may change. */
    @Override
    public String toString() {
        return count == 0 ? "none" : count + " times, the median " + quantile(0.5) + ", 99 of 100 at most " + quantile(0.99) + ", all at most "
                + longest();
    }
}
