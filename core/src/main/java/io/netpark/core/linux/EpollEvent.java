package io.netpark.core.linux;

import java.nio.ByteBuffer;

/**
 * Layout of {@code struct epoll_event}: {@code uint32_t events; uint64_t data}. Packed on x86-64 only
 * ({@code EPOLL_PACKED} in the kernel's eventpoll.h), naturally aligned elsewhere.
 *
 * <p>For Netpark's own adapters.
 */
public final class EpollEvent {

    /** Bytes from one array element to the next: 12 on x86-64, 16 elsewhere. */
    public static final int SIZE = Architecture.isX86() ? 12 : 16;

    static final int EVENTS = 0;
    static final int DATA = Architecture.isX86() ? 4 : 8;

    private EpollEvent() {}

    /** Fills element {@code index}. */
    public static void write(ByteBuffer array, int index, int events, long data) {
        array.putInt(index * SIZE + EVENTS, events);
        array.putLong(index * SIZE + DATA, data);
    }

    /** The event bits of element {@code index}. */
    public static int readiness(ByteBuffer array, int index) {
        return array.getInt(index * SIZE + EVENTS);
    }

    /** The token of element {@code index}. */
    public static long data(ByteBuffer array, int index) {
        return array.getLong(index * SIZE + DATA);
    }
}
