package io.netpark.callback;

import io.netpark.callback.futures.Place;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.framing.Framing;
import io.netpark.core.loop.EventLoop;
import java.util.concurrent.Executor;
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
 * @param workers who runs callbacks; null for the event loop
 * @param completions who completes futures; null for the event loop
 */
record Limits(
        int highWaterMark,
        long outputLimit,
        int inputLimit,
        @Nullable AtLimit atInputLimit,
        long idleNanos,
        long readNanos,
        long writeNanos,
        SegmentPool pool,
        @Nullable Workers workers,
        @Nullable Executor completions) {

    static final int DEFAULT_BYTES = 64 * 1024;
    /** For an input callback: it gets a part of a message only to say how much is missing. */
    private static final int DEFAULT_MESSAGE = 1024 * 1024;

    int lowWaterMark() {
        return highWaterMark / 2;
    }

    int inputLimit(Receiver receiver) {
        if (inputLimit > 0) {
            return inputLimit;
        }
        Framing framing = receiver.framing();
        return framing != null ? Math.max(DEFAULT_MESSAGE, framing.longest())
                : receiver.input() != null ? DEFAULT_MESSAGE : DEFAULT_BYTES;
    }

    /** @throws IllegalStateException if a message of its framing could never be there as a whole */
    void requireRoom(Receiver receiver) {
        Framing framing = receiver.framing();
        if (framing != null && framing.longest() > inputLimit(receiver)) {
            throw new IllegalStateException("a message may have " + framing.longest() + " bytes with its framing, and the input limit is "
                    + inputLimit + "; raise inputLimit, leave it out, or lower the limit of the framing");
        }
    }

    AtLimit atInputLimit(Receiver receiver) {
        return atInputLimit != null ? atInputLimit : receiver.input() != null ? AtLimit.CLOSE : AtLimit.WAIT;
    }

    LinkBuffer newBuffer() {
        return new LinkBuffer(pool);
    }

    /** Of something on this loop. */
    <T> PlacedFuture<T> newFuture(EventLoop loop) {
        return new PlacedFuture<>(new Place(completions, loop));
    }

    <T> PlacedFuture<T> failedFuture(EventLoop loop, Throwable failure) {
        return PlacedFuture.failed(new Place(completions, loop), failure);
    }
}
