package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that the kernel has not taken yet, in order, and the futures that wait for some of them. Loop's thread only;
 * NOT thread safe.
 */
final class OutputQueue {

    private record Promise(CompletableFuture<Void> future, long at) {}

    private final LinkBuffer bytes;
    private final ArrayDeque<Promise> promises = new ArrayDeque<>(0);
    /** Bytes ever added, as far as {@link #promises} know. */
    private long added;

    OutputQueue(LinkBuffer bytes) {
        this.bytes = bytes;
    }

    /** For those who add or take bytes. */
    LinkBuffer bytes() {
        return bytes;
    }

    boolean isEmpty() {
        return bytes.buffered() == 0;
    }

    /** So many bytes have been added, and perhaps somebody wants to know when they have been taken. */
    void added(long count, @Nullable CompletableFuture<Void> future) {
        added += count;
        if (future != null) {
            promises.add(new Promise(future, added));
        }
    }

    /** The next future whose bytes have all been taken, or null. */
    @Nullable CompletableFuture<Void> fulfilled() {
        Promise first = promises.peek();
        if (first == null || first.at > added - bytes.buffered()) {
            return null;
        }
        promises.remove();
        return first.future;
    }

    /** Drops everything, and returns the next future that will not be fulfilled, or null. */
    @Nullable CompletableFuture<Void> broken() {
        bytes.close();
        Promise first = promises.poll();
        return first == null ? null : first.future;
    }
}
