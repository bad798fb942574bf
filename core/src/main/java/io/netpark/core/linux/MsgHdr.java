package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct msghdr} on a 64-bit kernel: {@code void *name; socklen_t namelen; struct iovec *iov;
 * size_t iovlen; void *control; size_t controllen; int flags}, each member aligned to its size.
 *
 * <p>For Netpark's own adapters.
 */
public final class MsgHdr {

    /** Its size in bytes. */
    public static final int SIZE = 56;

    private static final int NAME = 0;
    private static final int NAMELEN = 8;
    private static final int IOV = 16;
    private static final int IOVLEN = 24;
    private static final int CONTROL = 32;
    private static final int CONTROLLEN = 40;
    private static final int FLAGS = 48;

    private MsgHdr() {}

    /** A message of {@code count} parts for a connected socket, without control data. */
    public static void write(ByteBuffer memory, int offset, long iovec, int count) {
        write(memory, offset, 0, 0, iovec, count, 0, 0);
    }

    /** A message in full. {@code name} and {@code control} are 0 for none; their lengths are in bytes. */
    public static void write(ByteBuffer memory, int offset, long name, int nameLength, long iovec, int count, long control,
            int controlLength) {
        memory.putLong(offset + NAME, name);
        memory.putLong(offset + NAMELEN, nameLength); // and the padding behind it
        memory.putLong(offset + IOV, iovec);
        memory.putLong(offset + IOVLEN, count);
        memory.putLong(offset + CONTROL, control);
        memory.putLong(offset + CONTROLLEN, controlLength);
        memory.putLong(offset + FLAGS, 0);
    }

    /** How many bytes of the sender's address the kernel has written. */
    public static int nameLength(ByteBuffer memory, int offset) {
        return memory.getInt(offset + NAMELEN);
    }

    /** How much room there is for the sender's address, or how long the receiver's is. */
    public static void nameLength(ByteBuffer memory, int offset, int length) {
        memory.putLong(offset + NAMELEN, length); // and the padding behind it
    }

    /** How many bytes of control data the kernel has written. */
    public static int controlLength(ByteBuffer memory, int offset) {
        return (int) memory.getLong(offset + CONTROLLEN);
    }

    /** What the kernel says of a message it has received: {@link Linux#MSG_TRUNC}, {@link Linux#MSG_CTRUNC}. */
    public static int flags(ByteBuffer memory, int offset) {
        return memory.getInt(offset + FLAGS);
    }
}
