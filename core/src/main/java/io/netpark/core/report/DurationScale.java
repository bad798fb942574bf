package io.netpark.core.report;

/**
 * The buckets in which durations are counted. Their bounds are 1, 1.5, 2, 3, 5 and 7 times each power of ten, from 100 ns to 10<sup>15</sup> ns,
 * which is eleven days and a half; so a bound is at most 5/3 of the one before. A bucket holds what is longer than the bound before its own,
 * and at most its own. The first also holds all that is shorter, the last all that is longer.
 */
public final class DurationScale {

    /** Ten times the steps of a decade. */
    private static final long[] STEPS = {10, 15, 20, 30, 50, 70};
    private static final long FIRST_DECADE = 10;
    private static final long LAST_BOUND = 1_000_000_000_000_000L;

    private static final long[] BOUNDS = bounds();

    /** How many buckets there are. */
    public static final int BUCKETS = BOUNDS.length + 1;

    /** The bucket of each power of two. */
    private static final byte[] OF_POWER = ofPowers();

    private DurationScale() {}

    private static long[] bounds() {
        int decades = 0;
        for (long decade = FIRST_DECADE; decade * STEPS[0] < LAST_BOUND; decade *= 10) {
            decades++;
        }
        long[] bounds = new long[decades * STEPS.length + 1];
        int at = 0;
        for (long decade = FIRST_DECADE; decade * STEPS[0] < LAST_BOUND; decade *= 10) {
            for (long step : STEPS) {
                bounds[at++] = decade * step;
            }
        }
        bounds[at] = LAST_BOUND;
        return bounds;
    }

    private static byte[] ofPowers() {
        byte[] buckets = new byte[Long.SIZE - 1];
        for (int power = 0; power < buckets.length; power++) {
            buckets[power] = (byte) from(0, 1L << power);
        }
        return buckets;
    }

    private static int from(int bucket, long nanos) {
        int found = bucket;
        while (found < BOUNDS.length && nanos > BOUNDS[found]) {
            found++;
        }
        return found;
    }

    /** The bucket of a duration in nanoseconds: 0 to {@link #BUCKETS} - 1. A duration that is negative is in the first. */
    public static int bucket(long nanos) {
        return nanos <= 0 ? 0 : from(OF_POWER[Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos)], nanos);
    }

    /** The longest duration of a bucket, in nanoseconds. */
    public static long bound(int bucket) {
        return bucket < BOUNDS.length ? BOUNDS[bucket] : Long.MAX_VALUE;
    }
}
