package io.netpark.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls of {@link FfmLibC} for sockets. */
abstract sealed class FfmSockets extends FfmFiles permits FfmLibC {

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

    // What a request calls; see FfmCalls
    private final MethodHandle recv = RECV;
    private final MethodHandle send = SEND;
    private final MethodHandle sendmsg = SENDMSG;
    private final MethodHandle recvmsg = RECVMSG;
    private final MethodHandle sendmmsg = SENDMMSG;
    private final MethodHandle recvmmsg = RECVMMSG;

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
}
