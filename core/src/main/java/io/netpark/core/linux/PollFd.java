package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct pollfd}: {@code int fd; short events; short revents}.
 *
 * <p>For Netpark's own adapters.
 */
public final class PollFd {

    /** Bytes from one array element to the next. */
    public static final int SIZE = 8;

    static final int FD = 0;
    static final int EVENTS = 4;
    static final int REVENTS = 6;

    private PollFd() {}

    /** Fills element {@code index} and clears what it reports. A negative fd is ignored by poll(2). */
    public static void write(ByteBuffer array, int index, int fd, int events) {
        array.putInt(index * SIZE + FD, fd);
        array.putShort(index * SIZE + EVENTS, (short) events);
        array.putShort(index * SIZE + REVENTS, (short) 0);
    }

    /** What poll(2) reported for element {@code index}. */
    public static int readiness(ByteBuffer array, int index) {
        return array.getShort(index * SIZE + REVENTS) & 0xFFFF;
    }
}
