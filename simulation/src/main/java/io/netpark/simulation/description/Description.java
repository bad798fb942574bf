package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;

/**
 * An open file description (open(2)): what one descriptor or several of them stand for. It ends when its last descriptor is closed
 * and no call is using it. Everything happens in the lock of the simulation.
 *
 * <p>Operations never wait: where the kernel would, they fail with EAGAIN, and whoever may wait does so in {@link #waiters}.
 */
public abstract class Description {

    /** Bits of O_ACCMODE in fcntl.h. */
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;

    private final WaitQueue waiters = new WaitQueue();
    private final int access;
    private boolean nonBlocking;
    private int references;

    /**
     * @param access O_RDONLY, {@link #O_WRONLY} or {@link #O_RDWR}
     * @param flags O_NONBLOCK counts
     */
    protected Description(int access, int flags) {
        this.access = access;
        this.nonBlocking = (flags & Linux.O_NONBLOCK) != 0;
    }

    /** Those who wait for it to be ready. */
    public final WaitQueue waiters() {
        return waiters;
    }

    /** Access mode and flags, as F_GETFL has them. */
    public final int flags() {
        return access | (nonBlocking ? Linux.O_NONBLOCK : 0);
    }

    /** Of F_SETFL: of the flags that can be changed only O_NONBLOCK is known here. */
    public final void setFlags(int flags) {
        nonBlocking = (flags & Linux.O_NONBLOCK) != 0;
    }

    public final boolean isNonBlocking() {
        return nonBlocking;
    }

    public final void requireReadable() {
        if (access == O_WRONLY) {
            throw new Failure(Errno.EBADF);
        }
    }

    public final void requireWritable() {
        if (access == Linux.O_RDONLY) {
            throw new Failure(Errno.EBADF);
        }
    }

    /** One more descriptor or call uses it. */
    public final void acquire() {
        references++;
    }

    /** One less; after the last it is closed. */
    public final void release() {
        if (--references == 0) {
            waiters.close();
            closed();
        }
    }

    /** Nobody has it any more. */
    protected void closed() {}

    /** Whether epoll takes it: it refuses regular files. */
    public boolean isPollable() {
        return true;
    }

    /** The bits of epoll that hold now. A regular file is always ready. */
    public int readiness() {
        return Linux.EPOLLIN | Linux.EPOLLOUT;
    }

    /** read(2), of which the memory may be in parts. Returns how many bytes. */
    public int read(IoVector into) {
        throw new Failure(Errno.EINVAL);
    }

    /** write(2). Returns how many bytes, at least 1 unless there are none. */
    public int write(IoVector from) {
        throw new Failure(Errno.EINVAL);
    }
}
