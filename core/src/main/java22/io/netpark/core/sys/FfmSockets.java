package io.netpark.core.sys;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls of {@link FfmLibC} for sockets. */
abstract sealed class FfmSockets extends FfmFiles permits FfmLibC {

    private static final MethodHandle SOCKET = handle("socket", 3);
    private static final MethodHandle SOCKETPAIR = handle("socketpair", 4);
    private static final MethodHandle BIND = handle("bind", 3);
    private static final MethodHandle LISTEN = handle("listen", 2);
    private static final MethodHandle ACCEPT4 = handle("accept4", 4);
    private static final MethodHandle CONNECT = handle("connect", 3);
    private static final MethodHandle SHUTDOWN = handle("shutdown", 2);
    private static final MethodHandle GETSOCKNAME = handle("getsockname", 3);
    private static final MethodHandle GETPEERNAME = handle("getpeername", 3);
    private static final MethodHandle GETSOCKOPT = handle("getsockopt", 5);
    private static final MethodHandle SETSOCKOPT = handle("setsockopt", 5);
    private static final MethodHandle RECV = handle("recv", 4);
    private static final MethodHandle SEND = handle("send", 4);
    private static final MethodHandle SENDMSG = handle("sendmsg", 3);
    private static final MethodHandle RECVMSG = handle("recvmsg", 3);
    private static final MethodHandle SENDMMSG = handle("sendmmsg", 4);
    private static final MethodHandle RECVMMSG = handle("recvmmsg", 5);

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
            return intResult((long) SOCKET.invokeExact(state, (long) domain, (long) type, (long) protocol), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int socketpair(int domain, int type, int protocol, long fds) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) SOCKETPAIR.invokeExact(state, (long) domain, (long) type, (long) protocol, fds), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int bind(int fd, long sockaddr, int length) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) BIND.invokeExact(state, (long) fd, sockaddr, (long) length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int listen(int fd, int backlog) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) LISTEN.invokeExact(state, (long) fd, (long) backlog), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) ACCEPT4.invokeExact(state, (long) fd, sockaddr, lengthAddress, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int connect(int fd, long sockaddr, int length) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) CONNECT.invokeExact(state, (long) fd, sockaddr, (long) length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int shutdown(int fd, int how) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) SHUTDOWN.invokeExact(state, (long) fd, (long) how), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getsockname(int fd, long sockaddr, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) GETSOCKNAME.invokeExact(state, (long) fd, sockaddr, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getpeername(int fd, long sockaddr, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) GETPEERNAME.invokeExact(state, (long) fd, sockaddr, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int getsockopt(int fd, int level, int name, long value, long lengthAddress) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) GETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name, value, lengthAddress), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int setsockopt(int fd, int level, int name, long value, int length) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) SETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name, value, (long) length), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) recv.invokeExact(state, (long) fd, address, length, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) send.invokeExact(state, (long) fd, address, length, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) sendmsg.invokeExact(state, (long) fd, msghdr, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public long recvmsg(int fd, long msghdr, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) recvmsg.invokeExact(state, (long) fd, msghdr, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int sendmmsg(int fd, long mmsghdrs, int count, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) sendmmsg.invokeExact(state, (long) fd, mmsghdrs, (long) count, (long) flags), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    @Override
    public int recvmmsg(int fd, long mmsghdrs, int count, int flags) {
        MemorySegment state = STATE.get();
        try {
            return intResult((long) recvmmsg.invokeExact(state, (long) fd, mmsghdrs, (long) count, (long) flags, 0L), state);
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }
}
