package io.netpark.core.net;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.net.InetSocketAddress;

/** Starts connections. */
public final class Dialer {

    private Dialer() {}

    /**
     * As the other, on the loop of the group that is calling, or else on the one for a new connection; another one if that
     * retires at this moment.
     */
    public static Connection dial(EventLoopGroup group, InetSocketAddress remote, SocketOptions options)
            throws NetparkException {
        while (true) {
            EventLoop loop = group.currentOrNext();
            try {
                return dial(loop, remote, options);
            } catch (NetparkException.Closed e) {
                if (group.isClosed() || !loop.isRetiring()) {
                    throw e;
                }
            }
        }
    }

    /**
     * Starts connecting to an address. Never parks: the connection that is returned is not established yet, and
     * {@link Connection#startConnect} has to finish it.
     *
     * @param loop where the connection will live
     * @param remote resolved
     * @throws NetparkException if it fails at once; nothing is left open
     * @throws IllegalArgumentException if the address is unresolved, or its port is 0
     */
    public static Connection dial(EventLoop loop, InetSocketAddress remote, SocketOptions options)
            throws NetparkException {
        if (remote.isUnresolved()) {
            throw new IllegalArgumentException("unresolved address: " + Addresses.text(remote));
        }
        if (remote.getPort() == 0) {
            throw new IllegalArgumentException("nobody can be dialed at port 0: " + Addresses.text(remote));
        }
        LibC libc = loop.libc();
        int fd = libc.socket(SockAddr.family(remote),
                Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, Linux.IPPROTO_TCP);
        if (fd < 0) {
            throw NetparkException.of(-fd, "socket to connect to " + Addresses.text(remote));
        }
        byte[] address;
        Scratch scratch = Scratch.take();
        try {
            options.apply(libc, fd);
            int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, remote);
            int result = libc.connect(fd, scratch.address(Scratch.SOCKADDR), length);
            // EINTR: the handshake goes on in the kernel (connect(2)); calling again would only say EALREADY.
            if (result < 0 && result != -Errno.EINPROGRESS && result != -Errno.EINTR) {
                throw NetparkException.of(-result, "connect to " + Addresses.text(remote));
            }
            address = SockAddr.copy(scratch.memory(), Scratch.SOCKADDR);
        } catch (NetparkException | RuntimeException | Error e) {
            libc.close(fd);
            throw e;
        } finally {
            scratch.giveBack();
        }
        return Connection.watch(loop, fd, address);
    }
}
