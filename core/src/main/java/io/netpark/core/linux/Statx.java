package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct statx} (linux/stat.h), the same on every architecture: the fields that are read here.
 *
 * <p>For Netpark's own adapters.
 */
public final class Statx {

    /** Its size in bytes. */
    public static final int SIZE = 256;

    private static final int MODE = 28;
    private static final int INODE = 32;
    private static final int LENGTH = 40;
    private static final int MODIFIED_SECONDS = 112;
    private static final int MODIFIED_NANOS = 120;
    private static final int DEVICE = 136;

    private Statx() {}

    /** Whether it is a regular file. Asked for by {@link Linux#STATX_TYPE}. */
    public static boolean isRegularFile(ByteBuffer memory, int offset) {
        return (memory.getShort(offset + MODE) & Linux.S_IFMT) == Linux.S_IFREG;
    }

    /** Whether it is a socket. Asked for by {@link Linux#STATX_TYPE}. */
    public static boolean isSocket(ByteBuffer memory, int offset) {
        return (memory.getShort(offset + MODE) & Linux.S_IFMT) == Linux.S_IFSOCK;
    }

    /** The number of the file on its device. Asked for by {@link Linux#STATX_INO}. */
    public static long inode(ByteBuffer memory, int offset) {
        return memory.getLong(offset + INODE);
    }

    /** The device that the file is on: major and minor number. Always there. */
    public static long device(ByteBuffer memory, int offset) {
        return memory.getLong(offset + DEVICE);
    }

    /** How many bytes are in the file. Asked for by {@link Linux#STATX_SIZE}. */
    public static long size(ByteBuffer memory, int offset) {
        return memory.getLong(offset + LENGTH);
    }

    /** When its content has last changed, in whole seconds since 1970. Asked for by {@link Linux#STATX_MTIME}. */
    public static long modifiedSeconds(ByteBuffer memory, int offset) {
        return memory.getLong(offset + MODIFIED_SECONDS);
    }

    /** And the nanoseconds after that. */
    public static int modifiedNanos(ByteBuffer memory, int offset) {
        return memory.getInt(offset + MODIFIED_NANOS);
    }
}
