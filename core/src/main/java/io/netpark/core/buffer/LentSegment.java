package io.netpark.core.buffer;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;

/**
 * What is remembered of a watched segment while it is lent. Outlives the segment: if that becomes unreachable without a
 * release, the reference is queued and {@link SegmentPool} reports it.
 */
final class LentSegment extends PhantomReference<Segment> {

    /** A place in the program. */
    static final class Place extends Throwable {
        private static final long serialVersionUID = 1L;

        Place(String what) {
            super(what + " by thread " + Thread.currentThread().getName());
        }
    }

    final int size;
    final Place taken = new Place("taken");

    LentSegment(Segment segment, ReferenceQueue<Segment> lost) {
        super(segment, lost);
        this.size = segment.size();
    }
}
