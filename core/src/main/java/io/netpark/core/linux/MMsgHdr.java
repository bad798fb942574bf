package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct mmsghdr} on a 64-bit kernel: a {@link MsgHdr}, then {@code unsigned int len}, padded to a multiple
 * of 8.
 *
 * <p>For Netpark's own adapters.
 */
public final class MMsgHdr {

    /** Bytes from one array element to the next. */
    public static final int SIZE = 64;

    private static final int LENGTH = MsgHdr.SIZE;

    private MMsgHdr() {}

    /** How many bytes of the message that starts at {@code offset} the kernel has moved. */
    public static int length(ByteBuffer memory, int offset) {
        return memory.getInt(offset + LENGTH);
    }
}
