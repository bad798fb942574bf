package io.netpark.core.pool;

import java.util.EnumMap;
import java.util.Map;

/** What a pool has done, for its snapshots. All of it is guarded by the pool's lock. */
final class Tally {

    /** By the ordinal of the reason: counting needs no memory. */
    private final long[] evicted = new long[Eviction.values().length];
    long created;
    long dialFailures;
    long borrowed;
    long waited;
    long waitedNanos;
    long longestWaitNanos;
    long timedOut;

    void evicted(Eviction reason) {
        evicted[reason.ordinal()]++;
    }

    Map<Eviction, Long> evicted() {
        Map<Eviction, Long> counts = new EnumMap<>(Eviction.class);
        for (Eviction reason : Eviction.values()) {
            if (evicted[reason.ordinal()] > 0) {
                counts.put(reason, evicted[reason.ordinal()]);
            }
        }
        return counts;
    }

    void waited(long nanos) {
        waited++;
        waitedNanos += nanos;
        longestWaitNanos = Math.max(longestWaitNanos, nanos);
    }
}
