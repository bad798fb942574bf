package io.netpark.core.sys;

import java.nio.ByteBuffer;

/** Layout of {@code struct statx} (linux/stat.h), the same on every architecture: the two fields that are read here. */
public final class Statx {

    /** Its size in bytes. */
    public static final int SIZE = 256;

    private static final int MODE = 28;
    private static final int LENGTH = 40;

    private Statx() {}

    /** Whether it is a regular file. Asked for by {@link Linux#STATX_TYPE}. */
    public static boolean isRegularFile(ByteBuffer memory, int offset) {
        return (memory.getShort(offset + MODE) & Linux.S_IFMT) == Linux.S_IFREG;
    }

    /** How many bytes are in the file. Asked for by {@link Linux#STATX_SIZE}. */
    public static long size(ByteBuffer memory, int offset) {
        return memory.getLong(offset + LENGTH);
    }
}
