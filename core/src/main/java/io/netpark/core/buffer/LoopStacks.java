package io.netpark.core.buffer;

import org.jspecify.annotations.Nullable;

/** The free segments of one event loop. Its thread only. */
final class LoopStacks {

    private final Segment[][] stacks = new Segment[SegmentPool.CLASSES][];
    private final int[] sizes = new int[SegmentPool.CLASSES];

    LoopStacks(long bytes) {
        for (int i = 0; i < SegmentPool.CLASSES; i++) {
            stacks[i] = new Segment[SegmentPool.count(bytes, i)];
        }
    }

    @Nullable Segment poll(int sizeClass) {
        int size = sizes[sizeClass];
        if (size == 0) {
            return null;
        }
        Segment segment = stacks[sizeClass][size - 1];
        stacks[sizeClass][size - 1] = null; // or it could never be found lost
        sizes[sizeClass] = size - 1;
        return segment;
    }

    boolean offer(int sizeClass, Segment segment) {
        int size = sizes[sizeClass];
        if (size == stacks[sizeClass].length) {
            return false;
        }
        stacks[sizeClass][size] = segment;
        sizes[sizeClass] = size + 1;
        return true;
    }
}
