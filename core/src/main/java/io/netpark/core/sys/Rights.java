package io.netpark.core.sys;

import io.netpark.core.linux.Linux;
import java.nio.ByteBuffer;

/**
 * Layout of a control message (cmsg(3)) that carries descriptors: {@code size_t len; int level; int type}, then an int for
 * each, padded to a multiple of 8.
 *
 * <p>For Netpark's own adapters.
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
    private static int size(int count) {
        return HEADER + (count * Integer.BYTES + 7 & -8);
    }

    /**
     * Keeps descriptors open until they are {@linkplain #release released}, though somebody may close them: the numbers that are sent
     * must not be those of other files by then.
     *
     * @throws IllegalStateException if one is closed or was taken over; then none is held
     */
    public static void hold(OpenDescriptor... descriptors) {
        int held = 0;
        try {
            while (held < descriptors.length) {
                descriptors[held].hold("pass");
                held++;
            }
        } finally {
            if (held < descriptors.length) {
                release(descriptors, held);
            }
        }
    }

    /** Those that were closed meanwhile are closed now. */
    public static void release(OpenDescriptor... descriptors) {
        release(descriptors, descriptors.length);
    }

    private static void release(OpenDescriptor[] descriptors, int count) {
        for (int i = 0; i < count; i++) {
            descriptors[i].endUse();
        }
    }

    /** Writes a control message with descriptors that are held, and returns its size. */
    public static int write(ByteBuffer memory, int offset, OpenDescriptor... descriptors) {
        memory.putLong(offset + LENGTH, HEADER + descriptors.length * Integer.BYTES);
        memory.putInt(offset + LEVEL, Linux.SOL_SOCKET);
        memory.putInt(offset + TYPE, Linux.SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++) {
            memory.putInt(offset + HEADER + i * Integer.BYTES, descriptors[i].heldNumber());
        }
        return size(descriptors.length);
    }

    /** How many descriptors are in what the kernel wrote. Like {@link #get} it allocates nothing: nobody else knows of them yet. */
    public static int count(ByteBuffer memory, int offset, int length) {
        int at = find(memory, offset, length);
        return at < 0 ? 0 : ((int) memory.getLong(at + LENGTH) - HEADER) / Integer.BYTES;
    }

    /** One of the descriptors that {@link #count} has counted. */
    public static int get(ByteBuffer memory, int offset, int length, int index) {
        return memory.getInt(find(memory, offset, length) + HEADER + index * Integer.BYTES);
    }

    /** Where the control message with descriptors is, or -1. */
    private static int find(ByteBuffer memory, int offset, int length) {
        int end = offset + length;
        for (int at = offset; at + HEADER <= end; ) {
            int size = (int) memory.getLong(at + LENGTH);
            if (size < HEADER || at + size > end) {
                break;
            }
            if (memory.getInt(at + LEVEL) == Linux.SOL_SOCKET && memory.getInt(at + TYPE) == Linux.SCM_RIGHTS) {
                return at;
            }
            at += size + 7 & -8;
        }
        return -1;
    }
}
