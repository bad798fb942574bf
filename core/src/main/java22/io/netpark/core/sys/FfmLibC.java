package io.netpark.core.sys;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * {@link LibC} by the Foreign Function and Memory API. Compiled at release 22 and loaded by name from
 * {@link Binding}, so that the same class folder and jar serve JDK 17. Here are the calls for readiness and threads; those for
 * files and sockets are in the classes above it.
 */
final class FfmLibC extends FfmSockets {

    private static final MethodHandle EPOLL_CREATE1 = handle("epoll_create1", 1);
    private static final MethodHandle EPOLL_CTL = handle("epoll_ctl", 4);
    private static final MethodHandle EPOLL_WAIT = handle("epoll_wait", 4);
    private static final MethodHandle POLL = handle("poll", 3);
    private static final MethodHandle SCHED_SETAFFINITY = handle("sched_setaffinity", 3);

    /** Null where the C library is older than 2.35. */
    private static final @Nullable MethodHandle EPOLL_PWAIT2 = find("epoll_pwait2")
            .map(address -> downcall(address, 5))
            .orElse(null);

    @Override
    public Binding binding() {
        return Binding.FFM;
    }

    @Override
    public int epollCreate(int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) EPOLL_CREATE1.invokeExact(state, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) EPOLL_CTL.invokeExact(state, (long) epfd, (long) operation, (long) fd, event), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) EPOLL_WAIT.invokeExact(state, (long) epfd, events, (long) capacity, (long) timeoutMillis), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollPwait2(int epfd, long events, int capacity, long timespec) {
        if (EPOLL_PWAIT2 == null) {
            return -Errno.ENOSYS;
        }
        MemorySegment state = STATE.get();
        try {
            return intResult((long) EPOLL_PWAIT2.invokeExact(state, (long) epfd, events, (long) capacity, timespec, 0L), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int poll(long pollfds, long count, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) POLL.invokeExact(state, pollfds, count, (long) timeoutMillis), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int schedSetaffinity(int thread, long length, long mask) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) SCHED_SETAFFINITY.invokeExact(state, (long) thread, length, mask), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }
}
