package io.netpark.core.sys;

import java.nio.ByteBuffer;

/**
 * Layout of a control message (cmsg(3)) that carries descriptors: {@code size_t len; int level; int type}, then an int for
 * each, padded to a multiple of 8.
 */
public final class Rights {

    /** As many as the kernel lets one message carry (SCM_MAX_FD). */
    public static final int MOST = 253;

    /** Room for {@link #MOST}. */
    public static final int MAX_SIZE = size(MOST);

    private static final int LENGTH = 0;
    private static final int LEVEL = 8;
    private static final int TYPE = 12;
    private static final int HEADER = 16;

    private Rights() {}

    /** Bytes that so many descriptors take (CMSG_SPACE). */
    public static int size(int count) {
        return HEADER + (count * Integer.BYTES + 7 & -8);
    }

    /** Writes a control message, and returns its size. */
    public static int write(ByteBuffer memory, int offset, int... descriptors) {
        memory.putLong(offset + LENGTH, HEADER + descriptors.length * Integer.BYTES);
        memory.putInt(offset + LEVEL, Linux.SOL_SOCKET);
        memory.putInt(offset + TYPE, Linux.SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++) {
            memory.putInt(offset + HEADER + i * Integer.BYTES, descriptors[i]);
        }
        return size(descriptors.length);
    }

    /** The descriptors in what the kernel wrote, of whichever control messages there are. */
    public static int[] read(ByteBuffer memory, int offset, int length) {
        int end = offset + length;
        for (int at = offset; at + HEADER <= end; ) {
            int size = (int) memory.getLong(at + LENGTH);
            if (size < HEADER || at + size > end) {
                break;
            }
            if (memory.getInt(at + LEVEL) == Linux.SOL_SOCKET && memory.getInt(at + TYPE) == Linux.SCM_RIGHTS) {
                int[] descriptors = new int[(size - HEADER) / Integer.BYTES];
                for (int i = 0; i < descriptors.length; i++) {
                    descriptors[i] = memory.getInt(at + HEADER + i * Integer.BYTES);
                }
                return descriptors;
            }
            at += size + 7 & -8;
        }
        return new int[0];
    }
}
