package io.netpark.core.sys;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import java.lang.ref.Reference;

/**
 * A counter as a descriptor (eventfd(2)), non-blocking and close-on-exec. It is readable while it is not 0. Any thread may signal
 * it and take what it counted.
 *
 * @see OpenDescriptor#eventFd
 */
public final class EventFd extends OpenDescriptor {

    /** The 1 that a signal adds, and room for what {@link #take} reads, which is guarded by this. */
    private final NativeMemory memory;

    private EventFd(LibC libc, int number, NativeMemory memory) {
        super(libc, number);
        this.memory = memory;
        memory.buffer().putLong(0, 1);
    }

    static EventFd open(LibC libc, int initial) throws NetparkException {
        if (initial < 0) {
            throw new IllegalArgumentException("an eventfd counts from 0 on, not from " + initial);
        }
        NativeMemory memory = NativeMemory.allocate(2 * Long.BYTES);
        try (Unowned fresh = new Unowned(libc)) {
            int number = fresh.hold(libc.eventfd(initial, Linux.EFD_NONBLOCK | Linux.EFD_CLOEXEC));
            if (number < 0) {
                throw NetparkException.of(-number, "eventfd");
            }
            EventFd event = new EventFd(libc, number, memory);
            fresh.release();
            return event;
        }
    }

    /**
     * Adds 1, which makes it readable. Of a counter that is full it has no effect: that is readable already.
     *
     * @throws NetparkException.Closed if it is closed
     */
    public void signal() throws NetparkException {
        writeFrom(memory.address(), Long.BYTES);
        Reference.reachabilityFence(this);
    }

    /**
     * Takes the count, and sets it to 0. Never waits.
     *
     * @return how often it was signalled since the last time, with the initial value; 0 if it was not
     * @throws NetparkException.Closed if it is closed
     */
    public synchronized long take() throws NetparkException {
        return readInto(memory.address() + Long.BYTES, Long.BYTES) < 0 ? 0 : memory.buffer().getLong(Long.BYTES);
    }

    @Override
    public String toString() {
        return "event " + super.toString();
    }
}
