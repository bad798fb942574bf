package io.netpark.core.net;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;

/**
 * Options of a TCP socket. Immutable: each {@code with} returns a changed copy. Those of a listener are inherited by the
 * connections it accepts (tcp(7)), so they cost nothing per connection.
 *
 * <p>The defaults are Go's: no delay, keepalive with 15 s to the first probe, 15 s between probes, 9 of them.
 */
public final class SocketOptions {

    /** The defaults. */
    public static final SocketOptions DEFAULT = new SocketOptions(true, true, 0, 0, false);

    private static final int KEEPALIVE_SECONDS = 15;
    private static final int KEEPALIVE_PROBES = 9;

    private final boolean noDelay;
    private final boolean keepAlive;
    private final int sendBuffer;
    private final int receiveBuffer;
    private final boolean reusePort;

    private SocketOptions(boolean noDelay, boolean keepAlive, int sendBuffer, int receiveBuffer, boolean reusePort) {
        this.noDelay = noDelay;
        this.keepAlive = keepAlive;
        this.sendBuffer = sendBuffer;
        this.receiveBuffer = receiveBuffer;
        this.reusePort = reusePort;
    }

    /** TCP_NODELAY: send small segments at once. On by default. */
    public SocketOptions withNoDelay(boolean on) {
        return new SocketOptions(on, keepAlive, sendBuffer, receiveBuffer, reusePort);
    }

    /** SO_KEEPALIVE: find out about a peer that has vanished. On by default. */
    public SocketOptions withKeepAlive(boolean on) {
        return new SocketOptions(noDelay, on, sendBuffer, receiveBuffer, reusePort);
    }

    /** SO_SNDBUF in bytes, which the kernel doubles. The default, 0, leaves it to the kernel's auto-tuning. */
    public SocketOptions withSendBuffer(int bytes) {
        return new SocketOptions(noDelay, keepAlive, notNegative(bytes), receiveBuffer, reusePort);
    }

    /** SO_RCVBUF in bytes, which the kernel doubles. The default, 0, leaves it to the kernel's auto-tuning. */
    public SocketOptions withReceiveBuffer(int bytes) {
        return new SocketOptions(noDelay, keepAlive, sendBuffer, notNegative(bytes), reusePort);
    }

    /** SO_REUSEPORT: several listeners on one port, among which the kernel spreads connections. Off by default. */
    public SocketOptions withReusePort(boolean on) {
        return new SocketOptions(noDelay, keepAlive, sendBuffer, receiveBuffer, on);
    }

    private static int notNegative(int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a buffer size cannot be negative: " + bytes);
        }
        return bytes;
    }

    /** Sets them on a fresh socket, before bind or connect: buffer sizes take part in the handshake. */
    void apply(LibC libc, int fd) throws NetparkException {
        if (noDelay) {
            set(libc, fd, Linux.IPPROTO_TCP, Linux.TCP_NODELAY, 1, "TCP_NODELAY");
        }
        if (keepAlive) {
            set(libc, fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, 1, "SO_KEEPALIVE");
            set(libc, fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE, KEEPALIVE_SECONDS, "TCP_KEEPIDLE");
            set(libc, fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPINTVL, KEEPALIVE_SECONDS, "TCP_KEEPINTVL");
            set(libc, fd, Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT, KEEPALIVE_PROBES, "TCP_KEEPCNT");
        }
        if (sendBuffer > 0) {
            set(libc, fd, Linux.SOL_SOCKET, Linux.SO_SNDBUF, sendBuffer, "SO_SNDBUF");
        }
        if (receiveBuffer > 0) {
            set(libc, fd, Linux.SOL_SOCKET, Linux.SO_RCVBUF, receiveBuffer, "SO_RCVBUF");
        }
        if (reusePort) {
            set(libc, fd, Linux.SOL_SOCKET, Linux.SO_REUSEPORT, 1, "SO_REUSEPORT");
        }
    }

    static void set(LibC libc, int fd, int level, int option, int value, String name) throws NetparkException {
        Scratch scratch = Scratch.take();
        int result;
        try {
            scratch.memory().putInt(Scratch.VALUE, value);
            do {
                result = libc.setsockopt(fd, level, option, scratch.address(Scratch.VALUE), Integer.BYTES);
            } while (result == -Errno.EINTR);
        } finally {
            scratch.giveBack();
        }
        if (result < 0) {
            throw NetparkException.of(-result, "set " + name + " to " + value);
        }
    }

    /** SO_LINGER with 0 seconds: close(2) sends a reset. */
    static void resetOnClose(LibC libc, int fd) throws NetparkException {
        Scratch scratch = Scratch.take();
        int result;
        try {
            scratch.memory().putInt(Scratch.IOVECS, 1); // struct linger: l_onoff, l_linger
            scratch.memory().putInt(Scratch.IOVECS + Integer.BYTES, 0);
            result = libc.setsockopt(
                    fd, Linux.SOL_SOCKET, Linux.SO_LINGER, scratch.address(Scratch.IOVECS), 2 * Integer.BYTES);
        } finally {
            scratch.giveBack();
        }
        if (result < 0) {
            throw NetparkException.of(-result, "set SO_LINGER");
        }
    }
}
