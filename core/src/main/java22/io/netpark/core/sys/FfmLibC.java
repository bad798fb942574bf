package io.netpark.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * {@link LibC} by the Foreign Function and Memory API. Compiled at release 22 and loaded by name from
 * {@link Binding}, so that the same class folder and jar serve JDK 17.
 *
 * <p>Handles are {@code static final} and invoked exactly, so the JIT compiles a call down to the C calling
 * convention. Pointers travel as {@code long}: the calling convention is that of a pointer on both 64-bit
 * architectures, and no segment object is made. errno is captured into a segment that each thread keeps. No call is
 * made {@code critical}: even a non-blocking system call takes microseconds at times, and a critical call would
 * hold up every safepoint of the process meanwhile.
 */
@SuppressWarnings("restricted") // native access is what this class is for
final class FfmLibC implements LibC {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");
    private static final long ERRNO_OFFSET = CAPTURE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle READ = handle("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE = handle("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READV = handle("readv", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FCNTL = LINKER.downcallHandle(
            LINKER.defaultLookup().find("fcntl").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
            CAPTURE_ERRNO,
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle OPEN = LINKER.downcallHandle(
            LINKER.defaultLookup().find("open").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT),
            CAPTURE_ERRNO,
            Linker.Option.firstVariadicArg(2));
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
    private static final MethodHandle SOCKET = handle("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SOCKETPAIR = handle("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle BIND = handle("bind", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle LISTEN = handle("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACCEPT4 = handle("accept4", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CONNECT = handle("connect", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SHUTDOWN = handle("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle GETSOCKNAME = handle("getsockname", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GETPEERNAME = handle("getpeername", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GETSOCKOPT = handle("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SETSOCKOPT = handle("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle RECV = handle("recv", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SEND = handle("send", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SENDMSG = handle("sendmsg", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle RECVMSG = handle("recvmsg", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SENDMMSG = handle("sendmmsg", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle RECVMMSG =
            handle("recvmmsg", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle EPOLL_CREATE1 = handle("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL = handle("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle EPOLL_WAIT = handle("epoll_wait", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle POLL = handle("poll", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SCHED_SETAFFINITY = handle("sched_setaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);

    /** Null where the C library is older than 2.35. */
    private static final MethodHandle EPOLL_PWAIT2 = find("epoll_pwait2")
            .map(address -> downcall(address, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG))
            .orElse(null);

    /** Null where the C library is older than 2.28. */
    private static final MethodHandle STATX = find("statx")
            .map(address -> downcall(address, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG))
            .orElse(null);

    /*
     * What a request calls, in fields that the compiler does not take for constants. A constant handle is compiled into whoever
     * calls, and where that is deep in a tree of inlined methods its inner parts are not: the slice of STATE that the JDK makes
     * in each call is then an object. Called through these, a handle is code of its own, in which it never is.
     */
    private final MethodHandle recv = RECV;
    private final MethodHandle send = SEND;
    private final MethodHandle sendmsg = SENDMSG;
    private final MethodHandle recvmsg = RECVMSG;
    private final MethodHandle sendmmsg = SENDMMSG;
    private final MethodHandle recvmmsg = RECVMMSG;
    private final MethodHandle sendfile = SENDFILE;
    private final MethodHandle splice = SPLICE;

    private static Optional<MemorySegment> find(String name) {
        return LINKER.defaultLookup().find(name);
    }

    private static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... arguments) {
        return downcall(find(name).orElseThrow(() -> new UnsatisfiedLinkError(name)), result, arguments);
    }

    private static MethodHandle downcall(MemorySegment address, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(address, FunctionDescriptor.of(result, arguments), CAPTURE_ERRNO);
    }

    private static int result(int result, MemorySegment state) {
        return result >= 0 ? result : -state.get(JAVA_INT, ERRNO_OFFSET);
    }

    private static long result(long result, MemorySegment state) {
        return result >= 0 ? result : -state.get(JAVA_INT, ERRNO_OFFSET);
    }

    /** A downcall throws nothing of its own: what arrives here is an Error of the JVM. */
    private static AssertionError unexpected(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return new AssertionError(failure);
    }

    @Override
    public Binding binding() {
        return Binding.FFM;
    }

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
    public int schedSetaffinity(int thread, long length, long mask) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SCHED_SETAFFINITY.invokeExact(state, thread, length, mask), state);
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
    public int socket(int domain, int type, int protocol) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SOCKET.invokeExact(state, domain, type, protocol), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SOCKETPAIR.invokeExact(state, domain, type, protocol, fds), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int bind(int fd, long sockaddr, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) BIND.invokeExact(state, fd, sockaddr, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int listen(int fd, int backlog) {
        MemorySegment state = STATE.get();
        try {
            return result((int) LISTEN.invokeExact(state, fd, backlog), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) ACCEPT4.invokeExact(state, fd, sockaddr, lengthAddress, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int connect(int fd, long sockaddr, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) CONNECT.invokeExact(state, fd, sockaddr, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int shutdown(int fd, int how) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SHUTDOWN.invokeExact(state, fd, how), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getsockname(int fd, long sockaddr, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return result((int) GETSOCKNAME.invokeExact(state, fd, sockaddr, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getpeername(int fd, long sockaddr, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return result((int) GETPEERNAME.invokeExact(state, fd, sockaddr, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return result((int) GETSOCKOPT.invokeExact(state, fd, level, name, value, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SETSOCKOPT.invokeExact(state, fd, level, name, value, length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) recv.invokeExact(state, fd, address, length, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) send.invokeExact(state, fd, address, length, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) sendmsg.invokeExact(state, fd, msghdr, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long recvmsg(int fd, long msghdr, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) recvmsg.invokeExact(state, fd, msghdr, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int sendmmsg(int fd, long mmsghdrs, int count, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) sendmmsg.invokeExact(state, fd, mmsghdrs, count, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int recvmmsg(int fd, long mmsghdrs, int count, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) recvmmsg.invokeExact(state, fd, mmsghdrs, count, flags, 0L), state);
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
    public int inotifyInit(int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) INOTIFY_INIT1.invokeExact(state, flags), state);
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
    public int inotifyAddWatch(int fd, long path, int mask) {
        MemorySegment state = STATE.get();
        try {
            return result((int) INOTIFY_ADD_WATCH.invokeExact(state, fd, path, mask), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollCreate(int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) EPOLL_CREATE1.invokeExact(state, flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        MemorySegment state = STATE.get();
        try {
            return result((int) EPOLL_CTL.invokeExact(state, epfd, operation, fd, event), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return result((int) EPOLL_WAIT.invokeExact(state, epfd, events, capacity, timeoutMillis), state);
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
            return result((int) EPOLL_PWAIT2.invokeExact(state, epfd, events, capacity, timespec, 0L), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int poll(long pollfds, long count, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return result((int) POLL.invokeExact(state, pollfds, count, timeoutMillis), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }
}
