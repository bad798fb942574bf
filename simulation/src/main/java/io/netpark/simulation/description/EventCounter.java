package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;

/** eventfd(2). */
public final class EventCounter extends Description {

    /** EFD_SEMAPHORE of sys/eventfd.h: a read takes 1. */
    private static final int SEMAPHORE = 1;
    private static final int FLAGS = SEMAPHORE | Linux.EFD_CLOEXEC | Linux.EFD_NONBLOCK;

    private final boolean semaphore;
    /** Unsigned; at most 2^64 - 2. */
    private long count;

    public EventCounter(int initial, int flags) {
        super(O_RDWR, flags);
        if ((flags & ~FLAGS) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        this.semaphore = (flags & SEMAPHORE) != 0;
        this.count = Integer.toUnsignedLong(initial);
    }

    @Override
    public int readiness() {
        return (count != 0 ? Linux.EPOLLIN : 0) | (Long.compareUnsigned(count, -2) < 0 ? Linux.EPOLLOUT : 0);
    }

    @Override
    public int read(IoVector into) {
        if (into.remaining() < Long.BYTES) {
            throw new Failure(Errno.EINVAL);
        }
        if (count == 0) {
            throw new Failure(Errno.EAGAIN);
        }
        long taken = semaphore ? 1 : count;
        count -= taken;
        Words.put(into, taken);
        waiters().wake(Linux.EPOLLOUT);
        return Long.BYTES;
    }

    @Override
    public int write(IoVector from) {
        if (from.remaining() < Long.BYTES) {
            throw new Failure(Errno.EINVAL);
        }
        long added = Words.take(from);
        if (added == -1) {
            throw new Failure(Errno.EINVAL);
        }
        if (Long.compareUnsigned(added, -2 - count) > 0) {
            throw new Failure(Errno.EAGAIN);
        }
        count += added;
        waiters().wake(Linux.EPOLLIN);
        return Long.BYTES;
    }
}
