package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct iovec} on a 64-bit kernel: {@code void *base; size_t length}.
 *
 * <p>For Netpark's own adapters.
 */
public final class IoVec {

    /** Bytes from one array element to the next. */
    public static final int SIZE = 16;

    private IoVec() {}

    /** Fills the element that starts at {@code offset + index * SIZE}. */
    public static void write(ByteBuffer array, int offset, int index, long address, long length) {
        array.putLong(offset + index * SIZE, address);
        array.putLong(offset + index * SIZE + 8, length);
    }

    /** The length in an element. */
    public static long length(ByteBuffer array, int offset, int index) {
        return array.getLong(offset + index * SIZE + 8);
    }

    /** The address in an element. */
    public static long address(ByteBuffer array, int offset, int index) {
        return array.getLong(offset + index * SIZE);
    }
}
