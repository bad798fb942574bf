package io.netpark.callback.input;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that a request callback has left unread, in front of those that come next. Holds memory only while there
 * are such bytes. On the heap: it is short-lived, and the collector is better at that than malloc and a cleaner.
 */
final class CarryOver {

    private static final int LEAST = 256;

    /** From position to limit: the unread bytes. From limit to capacity: room. Null when there are none. */
    private @Nullable ByteBuffer bytes;

    int size() {
        return bytes == null ? 0 : bytes.remaining();
    }

    /** The unread bytes, which must exist. */
    ByteBuffer bytes() {
        assert bytes != null;
        return bytes;
    }

    /** All unread bytes: {@code fresh} itself if there were none before, or the kept ones with a copy of it behind. */
    ByteBuffer join(ByteBuffer fresh) {
        if (bytes == null) {
            return fresh;
        }
        append(fresh);
        return bytes;
    }

    /** Keeps what is left of the buffer that {@link #join} or {@link #bytes} returned. */
    void keep(ByteBuffer rest) {
        if (!rest.hasRemaining()) {
            bytes = null;
        } else if (rest != bytes) {
            bytes = allocate(rest.remaining()).put(rest).flip();
        }
    }

    void clear() {
        bytes = null;
    }

    private void append(ByteBuffer fresh) {
        assert bytes != null;
        int total = bytes.remaining() + fresh.remaining();
        if (bytes.capacity() - bytes.limit() < fresh.remaining()) {
            bytes = total <= bytes.capacity()
                    ? bytes.compact().flip()
                    : allocate(total).put(bytes).flip();
        }
        int end = bytes.limit();
        int added = fresh.remaining();
        bytes.limit(end + added).put(end, fresh, fresh.position(), added);
    }

    private static ByteBuffer allocate(int size) {
        int rounded = size > 1 << 30 ? size : Integer.highestOneBit(Math.max(size, LEAST) - 1) << 1;
        return ByteBuffer.allocate(rounded);
    }
}
