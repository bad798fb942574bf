package io.netpark.core.buffer;

import io.netpark.core.heap.Block;
import java.util.function.IntFunction;

/** Where a pool's memory comes from, for tests of other packages. */
public final class SegmentMemory {

    private SegmentMemory() {}

    public static SegmentPool.Builder from(IntFunction<Block> source, SegmentPool.Builder builder) {
        return builder.memory(source);
    }
}
