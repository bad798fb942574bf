package io.netpark.core.buffer;

/** The sizes of the segments that a pool keeps: {@link #CLASSES} of them, from 1 KiB, four times larger each. */
final class SegmentSizes {

    static final int CLASSES = 4;
    private static final int SMALLEST_SHIFT = 10;

    private SegmentSizes() {}

    /** The class of a segment of at least so many bytes; {@link #CLASSES} or more if such a segment is not kept. */
    static int classOf(int size) {
        int bits = 32 - Integer.numberOfLeadingZeros(Math.max(size, 1) - 1);
        return Math.max(0, (bits - SMALLEST_SHIFT + 1) / 2);
    }

    /** The bytes of a segment of a class. */
    static int sizeOf(int sizeClass) {
        return 1 << (SMALLEST_SHIFT + 2 * sizeClass);
    }

    /** The bytes of the segment that is lent when at least so many are asked for. */
    static int sizeFor(int atLeast) {
        int sizeClass = classOf(atLeast);
        if (sizeClass < CLASSES) {
            return sizeOf(sizeClass);
        }
        return atLeast > 1 << 30 ? atLeast : Integer.highestOneBit(atLeast - 1) << 1;
    }

    /** How many segments of a class its share of {@code bytes} is for. */
    static int count(long bytes, int sizeClass) {
        return (int) Math.min(1 << 16, bytes / CLASSES / sizeOf(sizeClass));
    }
}
