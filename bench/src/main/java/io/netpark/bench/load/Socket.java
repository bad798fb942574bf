package io.netpark.bench.load;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.SockAddr;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A client's TCP socket on the generator's poller, edge-triggered. */
abstract class Socket extends Pollable {

    private static final int IPPROTO_IP = 0;
    /** linux/in.h: choose the port at connect, so that it may be shared by connections to other addresses. */
    private static final int IP_BIND_ADDRESS_NO_PORT = 24;
    /** Source addresses 127.0.0.1 to 127.0.0.SOURCES: each has its own ports, and its own connections in TIME_WAIT. */
    private static final int SOURCES = 16;

    private static final NativeMemory ADDRESS = NativeMemory.allocate(SockAddr.MAX_SIZE);
    private static final NativeMemory INT = NativeMemory.allocate(2 * Integer.BYTES);
    private static int turn;

    final Traffic traffic;
    int fd = -1;
    /** Whether bytes can be sent. */
    boolean connected;
    private @Nullable InetSocketAddress server;
    private @Nullable Wire wire;

    Socket(Traffic traffic) {
        this.traffic = traffic;
    }

    /** Starts connecting to a port on loopback; {@link #connected} follows when the poller says so. */
    final void connect(InetSocketAddress server) throws IOException {
        this.server = server;
        LibC libc = traffic.libc;
        fd = (int) require("socket", libc.socket(Linux.AF_INET,
                Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, Linux.IPPROTO_TCP));
        set(Linux.IPPROTO_TCP, Linux.TCP_NODELAY);
        set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        InetSocketAddress source = new InetSocketAddress(
                InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) (1 + turn++ % SOURCES)}), 0);
        int length = SockAddr.write(ADDRESS.buffer(), 0, source);
        require("bind", libc.bind(fd, ADDRESS.address(), length));
        length = SockAddr.write(ADDRESS.buffer(), 0, server);
        int result = libc.connect(fd, ADDRESS.address(), length);
        if (result < 0 && result != -Errno.EINPROGRESS) {
            throw LoadFailure.of("connect", result);
        }
        traffic.poller.add(fd, this, Interest.READ | Interest.WRITE | Interest.EDGE);
    }

    /** Whether the connection stands; asked when the socket is ready, until it does. */
    final boolean finishConnect() throws IOException {
        if (wire == null) {
            INT.buffer().putInt(4, Integer.BYTES);
            require("getsockopt", traffic.libc.getsockopt(
                    fd, Linux.SOL_SOCKET, Linux.SO_ERROR, INT.address(), INT.address() + 4));
            int errno = INT.buffer().getInt(0);
            if (errno != 0) {
                throw LoadFailure.of("connect", -errno);
            }
            wire = traffic.wire(fd, Objects.requireNonNull(server));
        }
        connected = wire.established();
        return connected;
    }

    /** Of a connection that stands. */
    final Wire wire() {
        return Objects.requireNonNull(wire);
    }

    final void close() {
        if (fd >= 0) {
            if (wire != null) {
                wire.close();
                wire = null;
            }
            traffic.poller.remove(fd, this);
            traffic.libc.close(fd);
            fd = -1;
            connected = false;
        }
    }

    private void set(int level, int option) throws LoadFailure {
        INT.buffer().putInt(0, 1);
        require("setsockopt", traffic.libc.setsockopt(fd, level, option, INT.address(), Integer.BYTES));
    }

    static long require(String call, long result) throws LoadFailure {
        if (result < 0) {
            throw LoadFailure.of(call, result);
        }
        return result;
    }

    /** What happened to the socket; called by {@link Traffic}'s loop. */
    abstract void ready(int readiness) throws IOException;

    @Override
    public final void ready(int readiness, WokenBatch woken) {
        throw new UnsupportedOperationException("there is no event loop here");
    }

    @Override
    public final void pollerClosed(WokenBatch woken) {}
}
