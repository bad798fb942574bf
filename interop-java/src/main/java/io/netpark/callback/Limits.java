package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;

/**
 * What one connection may hold and how long it may be silent.
 *
 * @param highWaterMark pending output, in bytes, above which the connection is not read
 * @param outputLimit pending output, in bytes, above which it is closed
 * @param inputLimit unread input, in bytes, at which it is not read, or is closed
 * @param closeAtInputLimit which of the two
 * @param idleNanos time without a byte after which it is closed; 0 for ever, like the others
 * @param readNanos time without a byte from the peer after which it is closed
 * @param writeNanos time without progress of pending output after which it is closed
 * @param pool where memory comes from
 */
record Limits(
        int highWaterMark,
        long outputLimit,
        int inputLimit,
        boolean closeAtInputLimit,
        long idleNanos,
        long readNanos,
        long writeNanos,
        SegmentPool pool) {

    static final int DEFAULT_BYTES = 64 * 1024;

    int lowWaterMark() {
        return highWaterMark / 2;
    }

    LinkBuffer newBuffer() {
        return new LinkBuffer(pool);
    }
}
