package io.netpark.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls of {@link FfmLibC} for files, pipes, counters and timers, and for descriptors of any kind. */
abstract sealed class FfmFiles extends FfmCalls implements LibC permits FfmSockets {

    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle READ = handle("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE = handle("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READV = handle("readv", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FCNTL = variadic("fcntl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle OPEN = variadic("open", JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle PREAD = handle("pread", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SENDFILE = handle("sendfile", JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SPLICE =
            handle("splice", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle INOTIFY_INIT1 = handle("inotify_init1", JAVA_INT, JAVA_INT);
    private static final MethodHandle UNLINK = handle("unlink", JAVA_INT, JAVA_LONG);
    private static final MethodHandle INOTIFY_ADD_WATCH = handle("inotify_add_watch", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle PIPE2 = handle("pipe2", JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle EVENTFD = handle("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle TIMERFD_CREATE = handle("timerfd_create", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle TIMERFD_SETTIME =
            handle("timerfd_settime", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);

    /** Null where the C library is older than 2.28. */
    private static final MethodHandle STATX = find("statx")
            .map(address -> downcall(address, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG))
            .orElse(null);

    // What a request calls; see FfmCalls
    private final MethodHandle sendfile = SENDFILE;
    private final MethodHandle splice = SPLICE;

    @Override
    public int close(int fd) {
        MemorySegment state = STATE.get();
        try {
            return result((int) CLOSE.invokeExact(state, fd), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long read(int fd, long address, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) READ.invokeExact(state, fd, address, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long write(int fd, long address, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) WRITE.invokeExact(state, fd, address, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long readv(int fd, long iovec, int count) {
        MemorySegment state = STATE.get();
        try {
            return result((long) READV.invokeExact(state, fd, iovec, count), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        MemorySegment state = STATE.get();
        try {
            return result((int) FCNTL.invokeExact(state, fd, command, argument), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int pipe2(long fds, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) PIPE2.invokeExact(state, fds, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int eventfd(int initial, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) EVENTFD.invokeExact(state, initial, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int timerfdCreate(int clock, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) TIMERFD_CREATE.invokeExact(state, clock, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int timerfdSettime(int fd, int flags, long value, long old) {
        MemorySegment state = STATE.get();
        try {
            return result((int) TIMERFD_SETTIME.invokeExact(state, fd, flags, value, old), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int open(long path, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) OPEN.invokeExact(state, path, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        MemorySegment state = STATE.get();
        try {
            return result((long) PREAD.invokeExact(state, fd, address, length, offset), state);
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
            return result((int) STATX.invokeExact(state, directory, path, flags, mask, statx), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long sendfile(int out, int in, long offset, long count) {
        MemorySegment state = STATE.get();
        try {
            return result((long) sendfile.invokeExact(state, out, in, offset, count), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long splice(int in, long inOffset, int out, long outOffset, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) splice.invokeExact(state, in, inOffset, out, outOffset, length, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int unlink(long path) {
        MemorySegment state = STATE.get();
        try {
            return result((int) UNLINK.invokeExact(state, path), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int inotifyInit(int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) INOTIFY_INIT1.invokeExact(state, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int inotifyAddWatch(int fd, long path, int mask) {
        MemorySegment state = STATE.get();
        try {
            return result((int) INOTIFY_ADD_WATCH.invokeExact(state, fd, path, mask), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }
}
