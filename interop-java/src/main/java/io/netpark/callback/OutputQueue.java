package io.netpark.callback;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that the kernel has not taken yet, in order, and the futures that wait for some of them. Small writes
 * share a chunk, so that they also share a system call. Loop's thread only; NOT thread safe.
 */
final class OutputQueue {

    private static final int CHUNK = 16 * 1024;
    /** Below this, copying into a shared chunk is cheaper than a system call more. */
    private static final int WORTH_A_CHUNK = 4 * 1024;

    private record Promise(CompletableFuture<Void> future, long at) {}

    /** Each with its bytes from position to limit, and in the last one perhaps room from limit to capacity. */
    private final ArrayDeque<ByteBuffer> chunks = new ArrayDeque<>(2);
    private final ArrayDeque<Promise> promises = new ArrayDeque<>(0);
    private long added;
    private long taken;

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    /** Copies the bytes, all of them. */
    void copy(ByteBuffer source) {
        added += source.remaining();
        ByteBuffer last = chunks.peekLast();
        if (last != null) {
            int end = last.limit();
            int part = Math.min(last.capacity() - end, source.remaining());
            last.limit(end + part).put(end, source, source.position(), part);
            source.position(source.position() + part);
        }
        if (source.hasRemaining()) {
            chunks.add(ByteBuffer.allocate(Math.max(CHUNK, source.remaining())).put(source).flip());
        }
    }

    /** Takes bytes that nobody else will change. */
    void adopt(ByteBuffer bytes) {
        if (bytes.remaining() < WORTH_A_CHUNK && !chunks.isEmpty()) {
            copy(bytes);
        } else if (bytes.hasRemaining()) {
            added += bytes.remaining();
            chunks.add(bytes);
        }
    }

    /** To be completed when everything added so far has been taken. */
    void promise(CompletableFuture<Void> future) {
        promises.add(new Promise(future, added));
    }

    /** What to write next; null when empty. */
    @Nullable ByteBuffer first() {
        return chunks.peek();
    }

    /** The kernel has taken bytes of the first chunk. */
    void taken(int bytes, ByteBuffer chunk) {
        taken += bytes;
        if (!chunk.hasRemaining()) {
            chunks.remove();
        }
    }

    /** The next future whose bytes have all been taken, or null. */
    @Nullable CompletableFuture<Void> fulfilled() {
        Promise first = promises.peek();
        if (first == null || first.at > taken) {
            return null;
        }
        promises.remove();
        return first.future;
    }

    /** Drops everything, and returns the next future that will not be fulfilled, or null. */
    @Nullable CompletableFuture<Void> broken() {
        chunks.clear();
        Promise first = promises.poll();
        return first == null ? null : first.future;
    }
}
