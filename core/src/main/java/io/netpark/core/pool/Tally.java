package io.netpark.core.pool;

import java.util.EnumMap;
import java.util.Map;

/** What a pool has done, for its snapshots. All of it is guarded by the pool's lock. */
final class Tally {

    final Map<Eviction, Long> evicted = new EnumMap<>(Eviction.class);
    long created;
    long dialFailures;
    long borrowed;
    long waited;
    long waitedNanos;
    long longestWaitNanos;
    long timedOut;

    void evicted(Eviction reason) {
        evicted.merge(reason, 1L, Long::sum);
    }

    void waited(long nanos) {
        waited++;
        waitedNanos += nanos;
        longestWaitNanos = Math.max(longestWaitNanos, nanos);
    }
}
