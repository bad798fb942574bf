package io.netpark.core.sys;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct msghdr} on a 64-bit kernel: {@code void *name; socklen_t namelen; struct iovec *iov;
 * size_t iovlen; void *control; size_t controllen; int flags}, each member aligned to its size.
 */
public final class MsgHdr {

    /** Its size in bytes. */
    public static final int SIZE = 56;

    private static final int IOV = 16;
    private static final int IOVLEN = 24;

    private MsgHdr() {}

    /** A message of {@code count} parts for a connected socket; every other member stays zero. */
    public static void write(ByteBuffer memory, int offset, long iovec, int count) {
        memory.putLong(offset + IOV, iovec);
        memory.putLong(offset + IOVLEN, count);
    }
}
