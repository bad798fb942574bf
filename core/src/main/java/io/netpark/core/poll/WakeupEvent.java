package io.netpark.core.poll;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;

/** The eventfd by which other threads end a wait. */
final class WakeupEvent {

    private final LibC libc;
    private final int fd;
    /** The 1 that every wake-up adds, and room for what {@link #drain} reads. */
    private final NativeMemory memory;

    private boolean closed;

    private WakeupEvent(LibC libc, NativeMemory memory) throws NetparkException {
        this.libc = libc;
        this.memory = memory;
        memory.buffer().putLong(0, 1);
        this.fd = libc.eventfd(0, Linux.EFD_NONBLOCK | Linux.EFD_CLOEXEC); // last: nothing may fail with it open
        if (fd < 0) {
            throw NetparkException.of(-fd, "eventfd");
        }
    }

    static WakeupEvent open(LibC libc) throws NetparkException {
        return new WakeupEvent(libc, NativeMemory.allocate(16));
    }

    int fd() {
        return fd;
    }

    /**
     * Makes the eventfd readable. EAGAIN means that it is, with a full counter, and is as good. Locked against
     * {@link #close}: a late wake-up must not write into whatever has got the number since.
     */
    synchronized void signal() {
        while (!closed && libc.write(fd, memory.address(), Long.BYTES) == -Errno.EINTR) {
            // the write did not happen
        }
    }

    /** Makes the eventfd unreadable again; only a level-triggered poller needs it. */
    void drain() {
        while (libc.read(fd, memory.address() + Long.BYTES, Long.BYTES) == -Errno.EINTR) {
            // the read did not happen
        }
    }

    synchronized void close() {
        closed = true;
        libc.close(fd);
    }
}
