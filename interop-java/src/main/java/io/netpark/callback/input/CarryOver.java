package io.netpark.callback.input;

import java.nio.ByteBuffer;

/**
 * Makes the buffers of bytes that a request callback has left unread: from position to limit these bytes, from limit to capacity
 * room for those that come next. On the heap: they are short-lived, and the collector is better at that than malloc and a cleaner.
 */
final class CarryOver {

    private static final int LEAST = 256;

    private CarryOver() {}

    /** A copy of the bytes that are left of {@code rest}. */
    static ByteBuffer of(ByteBuffer rest) {
        return allocate(rest.remaining()).put(rest).flip();
    }

    /** With a copy of {@code fresh} behind what is left: {@code left} itself, if there is room. */
    static ByteBuffer append(ByteBuffer left, ByteBuffer fresh) {
        int total = left.remaining() + fresh.remaining();
        ByteBuffer all = left;
        if (left.capacity() - left.limit() < fresh.remaining()) {
            all = total <= left.capacity() ? left.compact().flip() : allocate(total).put(left).flip();
        }
        int end = all.limit();
        int added = fresh.remaining();
        return all.limit(end + added).put(end, fresh, fresh.position(), added);
    }

    private static ByteBuffer allocate(int size) {
        int rounded = size > 1 << 30 ? size : Integer.highestOneBit(Math.max(size, LEAST) - 1) << 1;
        return ByteBuffer.allocate(rounded);
    }
}
