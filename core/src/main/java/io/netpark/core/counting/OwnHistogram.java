package io.netpark.core.counting;

import io.netpark.core.report.DurationScale;
import io.netpark.core.report.Durations;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Durations of one event loop, whose thread alone records: by plain additions, and without an allocation. Any thread may read. */
final class OwnHistogram {

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    /** A cache line before and after, as loops count side by side. */
    private static final int PADDING = 8;
    /** The bits of a double, which does not overflow in a few weeks, as a sum of delays can. */
    private static final int SUM = PADDING;
    private static final int LONGEST = SUM + 1;
    private static final int COUNTS = LONGEST + 1;

    private final long[] own = new long[COUNTS + DurationScale.BUCKETS + PADDING];

    /** It took so long this time. A duration that is negative counts as zero. */
    void record(long nanos) {
        long took = Math.max(0, nanos);
        if (took > own[LONGEST]) {
            LONGS.setOpaque(own, LONGEST, took);
        }
        LONGS.setOpaque(own, SUM, Double.doubleToRawLongBits(Double.longBitsToDouble(own[SUM]) + took));
        int at = COUNTS + DurationScale.bucket(took);
        LONGS.setRelease(own, at, own[at] + 1); // last, as a reader begins here: what is counted is in the sum
    }

    Durations read() {
        long[] counts = new long[DurationScale.BUCKETS];
        for (int bucket = 0; bucket < counts.length; bucket++) {
            counts[bucket] = (long) LONGS.getAcquire(own, COUNTS + bucket);
        }
        double sum = Double.longBitsToDouble((long) LONGS.getOpaque(own, SUM));
        return new Durations(counts, sum, (long) LONGS.getOpaque(own, LONGEST));
    }
}
