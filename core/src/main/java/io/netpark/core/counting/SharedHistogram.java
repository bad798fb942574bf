package io.netpark.core.counting;

import io.netpark.core.report.DurationScale;
import io.netpark.core.report.Durations;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAccumulator;

/** Durations of what begins and ends: connections, dials. Any thread may record and read. */
final class SharedHistogram {

    private final AtomicLongArray counts = new AtomicLongArray(DurationScale.BUCKETS);
    /** Does not overflow in a few weeks, as a sum of the lives of many connections can. */
    private final DoubleAdder sum = new DoubleAdder();
    private final LongAccumulator longest = new LongAccumulator(Math::max, 0);

    /** It took so long this time. A duration that is negative counts as zero. */
    void record(long nanos) {
        long took = Math.max(0, nanos);
        longest.accumulate(took);
        sum.add(took);
        counts.incrementAndGet(DurationScale.bucket(took)); // last, as a reader begins here: what is counted is in the sum
    }

    Durations read() {
        long[] read = new long[DurationScale.BUCKETS];
        for (int bucket = 0; bucket < read.length; bucket++) {
            read[bucket] = counts.get(bucket);
        }
        return new Durations(read, sum.sum(), longest.get());
    }
}
