package io.netpark.core.sys;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** The calls of {@link FfmLibC} for files, pipes, counters and timers, and for descriptors of any kind. */
abstract sealed class FfmFiles extends FfmCalls implements LibC permits FfmSockets {

    private static final MethodHandle CLOSE = handle("close", 1);
    private static final MethodHandle READ = handle("read", 3);
    private static final MethodHandle WRITE = handle("write", 3);
    private static final MethodHandle READV = handle("readv", 3);
    private static final MethodHandle FCNTL = variadic("fcntl", 3);
    private static final MethodHandle OPEN = variadic("open", 2);
    private static final MethodHandle PREAD = handle("pread", 4);
    private static final MethodHandle SENDFILE = handle("sendfile", 4);
    private static final MethodHandle SPLICE = handle("splice", 6);
    private static final MethodHandle INOTIFY_INIT1 = handle("inotify_init1", 1);
    private static final MethodHandle UNLINK = handle("unlink", 1);
    private static final MethodHandle INOTIFY_ADD_WATCH = handle("inotify_add_watch", 3);
    private static final MethodHandle PIPE2 = handle("pipe2", 2);
    private static final MethodHandle EVENTFD = handle("eventfd", 2);
    private static final MethodHandle TIMERFD_CREATE = handle("timerfd_create", 2);
    private static final MethodHandle TIMERFD_SETTIME = handle("timerfd_settime", 4);

    /** Null where the C library is older than 2.28. */
    private static final @Nullable MethodHandle STATX = find("statx")
            .map(address -> downcall(address, 5))
            .orElse(null);

    // What a request calls; see FfmCalls
    private final MethodHandle sendfile = SENDFILE;
    private final MethodHandle splice = SPLICE;

    @Override
    public int close(int fd) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) CLOSE.invokeExact(state, (long) fd), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long read(int fd, long address, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) READ.invokeExact(state, (long) fd, address, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long write(int fd, long address, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) WRITE.invokeExact(state, (long) fd, address, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long readv(int fd, long iovec, int count) {
        MemorySegment state = STATE.get();
        try {
            return result((long) READV.invokeExact(state, (long) fd, iovec, (long) count), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) FCNTL.invokeExact(state, (long) fd, (long) command, (long) argument), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int pipe2(long fds, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) PIPE2.invokeExact(state, fds, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int eventfd(int initial, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) EVENTFD.invokeExact(state, (long) initial, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int timerfdCreate(int clock, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) TIMERFD_CREATE.invokeExact(state, (long) clock, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int timerfdSettime(int fd, int flags, long value, long old) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) TIMERFD_SETTIME.invokeExact(state, (long) fd, (long) flags, value, old), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int open(long path, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) OPEN.invokeExact(state, path, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        MemorySegment state = STATE.get();
        try {
            return result((long) PREAD.invokeExact(state, (long) fd, address, length, offset), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int statx(int directory, long path, int flags, int mask, long statx) {
        if (STATX == null) {
            return -Errno.ENOSYS;
        }
        MemorySegment state = STATE.get();
        try {
            return intResult((long) STATX.invokeExact(state, (long) directory, path, (long) flags, (long) mask, statx), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long sendfile(int out, int in, long offset, long count) {
        MemorySegment state = STATE.get();
        try {
            return result((long) sendfile.invokeExact(state, (long) out, (long) in, offset, count), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) splice.invokeExact(state, (long) in, inOffset, (long) out, outOffset, length, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int unlink(long path) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) UNLINK.invokeExact(state, path), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int inotifyInit(int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) INOTIFY_INIT1.invokeExact(state, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int inotifyAddWatch(int fd, long path, int mask) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) INOTIFY_ADD_WATCH.invokeExact(state, (long) fd, path, (long) mask), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }
}
