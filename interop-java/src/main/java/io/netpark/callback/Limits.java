package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import org.jspecify.annotations.Nullable;

/**
 * What one connection may hold and how long it may be silent.
 *
 * @param highWaterMark pending output, in bytes, above which the connection is not read
 * @param outputLimit pending output, in bytes, above which it is closed
 * @param inputLimit unread input, in bytes, at which it is not read, or is closed; 0 for what suits the callback
 * @param atInputLimit which of the two; null for what suits the callback
 * @param idleNanos time without a byte after which it is closed; 0 for ever, like the others
 * @param readNanos time without a byte from the peer after which it is closed
 * @param writeNanos time without progress of pending output after which it is closed
 * @param pool where memory comes from
 */
record Limits(
        int highWaterMark,
        long outputLimit,
        int inputLimit,
        @Nullable AtLimit atInputLimit,
        long idleNanos,
        long readNanos,
        long writeNanos,
        SegmentPool pool) {

    static final int DEFAULT_BYTES = 64 * 1024;
    /** For an input callback: it gets a part of a message only to say how much is missing. */
    private static final int DEFAULT_MESSAGE = 1024 * 1024;

    int lowWaterMark() {
        return highWaterMark / 2;
    }

    int inputLimit(Callbacks callbacks) {
        return inputLimit > 0 ? inputLimit : callbacks.input != null ? DEFAULT_MESSAGE : DEFAULT_BYTES;
    }

    AtLimit atInputLimit(Callbacks callbacks) {
        return atInputLimit != null ? atInputLimit : callbacks.input != null ? AtLimit.CLOSE : AtLimit.WAIT;
    }

    LinkBuffer newBuffer() {
        return new LinkBuffer(pool);
    }
}
