package io.netpark.core.buffer;

import io.netpark.core.heap.Block;
import java.lang.ref.ReferenceQueue;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The watch of a pool over segments that it has lent, as closely as a {@link LeakDetection} says: it finds those that become
 * unreachable without a release. Any thread.
 */
final class LeakWatch {

    private final LeakDetection level;
    /** Held here, as a phantom reference that is itself unreachable is never queued. */
    private final Set<LentSegment> leases = ConcurrentHashMap.newKeySet();
    private final ReferenceQueue<Segment> lost = new ReferenceQueue<>();

    LeakWatch(LeakDetection level) {
        this.level = level;
    }

    boolean isOff() {
        return level == LeakDetection.OFF;
    }

    boolean isParanoid() {
        return level == LeakDetection.PARANOID;
    }

    /** A segment is lent, after so many others: watches it, if it is its turn. */
    void begin(Segment segment, long taken) {
        if (isParanoid() || taken % level.interval == 0) {
            LentSegment lease = new LentSegment(segment, lost);
            segment.lease = lease;
            leases.add(lease);
        }
    }

    /** Ends the watch over a segment, if there is one. */
    void end(Segment segment) {
        LentSegment lease = segment.lease;
        if (lease != null) {
            lease.clear();
            leases.remove(lease);
        }
    }

    /**
     * Ends the watch over a released segment that goes back to the pool.
     *
     * @return what to lend next: at the paranoid level the same memory as another object, so that whoever still uses this
     *     one is found out
     */
    Segment renew(SegmentPool pool, Segment segment) {
        end(segment);
        if (!isParanoid()) {
            segment.lease = null;
            return segment;
        }
        Block block = segment.block;
        assert block != null;
        ByteBuffer memory = segment.memory();
        for (int i = 0; i < memory.capacity(); i++) {
            memory.put(i, LeakDetection.POISON);
        }
        return new Segment(pool, block);
    }

    /** The next segment that was found lost, or null. */
    @Nullable LentSegment poll() {
        while (true) {
            LentSegment found = (LentSegment) lost.poll();
            if (found == null || leases.remove(found)) {
                return found;
            }
        }
    }
}
