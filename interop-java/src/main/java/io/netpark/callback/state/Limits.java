package io.netpark.callback.state;

import io.netpark.callback.futures.Place;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoop;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What one connection may hold and how long it may be silent.
 *
 * @param highWaterMark pending output, in bytes, above which the connection is not read
 * @param outputLimit pending output, in bytes, above which it is closed
 * @param inputLimit unread input, in bytes, at which it is not read, or is closed; 0 for what suits the callback
 * @param closesAtInputLimit which of the two; null for what suits the callback
 * @param idleNanos time without a byte after which it is closed; 0 for ever, like the others
 * @param readNanos time without a byte from the peer after which it is closed
 * @param writeNanos time without progress of pending output after which it is closed
 * @param pool where memory comes from
 * @param completions who completes futures; null for the event loop
 */
public record Limits(
        int highWaterMark,
        long outputLimit,
        int inputLimit,
        @Nullable Boolean closesAtInputLimit,
        long idleNanos,
        long readNanos,
        long writeNanos,
        SegmentPool pool,
        @Nullable Executor completions) {

    public static final int DEFAULT_BYTES = 64 * 1024;

    public int lowWaterMark() {
        return highWaterMark / 2;
    }

    public LinkBuffer newBuffer() {
        return new LinkBuffer(pool);
    }

    /** Of something on this loop. */
    public <T> PlacedFuture<T> newFuture(EventLoop loop) {
        return new PlacedFuture<>(new Place(completions, loop));
    }

    public <T> PlacedFuture<T> failedFuture(EventLoop loop, Throwable failure) {
        return PlacedFuture.failed(new Place(completions, loop), failure);
    }
}
