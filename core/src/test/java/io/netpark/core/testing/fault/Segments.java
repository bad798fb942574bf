package io.netpark.core.testing.fault;

import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.SegmentMemory;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.report.Reporter;

/** Pools whose memory is among the calls that are counted, or fail. */
public final class Segments {

    private Segments() {}

    /** One that watches for leaks as closely as it can. */
    public static SegmentPool of(Calls calls, Reporter reporter) {
        return SegmentMemory.from(calls::allocate, SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(reporter)).build();
    }
}
