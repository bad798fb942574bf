package io.netpark.core.net.streams;

import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.Adoption;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import io.netpark.core.tls.ServerTls;
import org.jspecify.annotations.Nullable;

/**
 * How a socket becomes a connection: it is counted, and watched by the poller of its loop. Where that fails the socket is closed, or
 * stays the caller's, and each way says which.
 *
 * <p>For Netpark's own listeners and dialers; others have {@link ConnectionDescriptor#adopt} and {@link ConnectionDescriptor#pair}.
 */
public final class Opening {

    private Opening() {}

    // Sockets that Netpark has made

    /**
     * Watches a socket on which connect(2) has been called, and owns it: before that call epoll would report a hang-up. Closes the
     * socket if it cannot be watched.
     *
     * @param remote the peer as a {@link SockAddr}
     * @param unasked connect(2) has succeeded, and the peer knows nothing of it
     */
    public static ConnectionDescriptor watchConnecting(EventLoop loop, Unowned socket, byte[] remote, boolean unasked)
            throws NetparkException {
        int fd = socket.fd();
        ConnectionDescriptor connection = unasked ? new Unasked(loop, fd, remote) : new ConnectionDescriptor(loop, fd, remote);
        connection.beginsConnecting();
        return watch(connection, socket);
    }

    /** A connection by TCP fast open: connect(2) has succeeded without a word to the peer, and the first bytes will make the connection. */
    static final class Unasked extends ConnectionDescriptor {

        private Unasked(EventLoop loop, int fd, byte[] remote) {
            super(loop, fd, remote);
        }

        @Override
        int attemptConnect() {
            return 0;
        }

        @Override
        boolean isConnectedToItself() {
            return false;
        }
    }

    private static ConnectionDescriptor watch(ConnectionDescriptor connection, Unowned socket) throws NetparkException {
        socket.release();
        try {
            connection.opened();
        } catch (Throwable e) {
            connection.close();
            throw e;
        }
        connection.watchForLife();
        return connection;
    }

    /**
     * Watches a socket that was accepted, and owns it then. If it cannot be watched it stays the caller's, as if it had never been opened.
     *
     * @param remote the peer as a {@link SockAddr}
     * @param departure is told when nothing is left of the connection; null if connections are not counted
     * @return null if the loop has just retired: another loop will do
     */
    public static @Nullable ConnectionDescriptor watchAccepted(EventLoop loop, Unowned socket, byte[] remote,
            @Nullable Departure departure) throws NetparkException {
        int fd = socket.fd();
        ConnectionDescriptor connection =
                departure == null ? new ConnectionDescriptor(loop, fd, remote) : new AdmittedConnection(loop, fd, remote, departure);
        try {
            connection.opened();
            loop.poller().add(fd, connection, Interest.PARKING);
            socket.release();
            return connection;
        } catch (Throwable e) {
            connection.tellClosed(false);
            if (loop.isRetiring() && e instanceof NetparkException.Closed) {
                return null;
            }
            throw e;
        }
    }

    /** Begins TLS on a connection that has just been accepted. Whatever it meets, it throws nothing: the connection fails then. */
    public static void secure(ConnectionDescriptor connection, ServerTls tls) {
        connection.startTlsOfAccepted(tls);
    }

    /** Two ends of one connection, by socketpair(2). Nothing is left open if that fails. */
    static ConnectionDescriptor.Pair pair(EventLoop first, EventLoop second) throws NetparkException {
        LibC libc = first.libc();
        Scratch scratch = Scratch.take();
        try (Unowned one = new Unowned(libc); Unowned other = new Unowned(libc)) {
            int result = libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, 0,
                    scratch.address(Scratch.VALUE));
            if (result < 0) {
                throw NetparkException.of(-result, "make a pair of connections");
            }
            one.hold(scratch.memory().getInt(Scratch.VALUE));
            other.hold(scratch.memory().getInt(Scratch.VALUE + Integer.BYTES));
            byte[] unnamed = SockAddr.copy(scratch.memory(), Scratch.SOCKADDR, 0);
            ConnectionDescriptor begun = watch(new ConnectionDescriptor(first, one.fd(), unnamed), one);
            try {
                return new ConnectionDescriptor.Pair(begun, watch(new ConnectionDescriptor(second, other.fd(), unnamed), other));
            } catch (Throwable e) {
                begun.close();
                throw e;
            }
        } finally {
            scratch.giveBack();
        }
    }

    // Sockets that something else has made

    /** Takes over a connected socket, which stays the caller's if this throws. */
    static ConnectionDescriptor adopt(EventLoop loop, int fd) throws NetparkException {
        byte[] remote = Adoption.connected(loop.libc(), fd);
        ConnectionDescriptor connection = new ConnectionDescriptor(loop, fd, remote);
        connection.learnOutput();
        loop.poller().add(fd, connection, Interest.PARKING);
        try {
            connection.opened();
        } catch (Throwable e) {
            loop.poller().remove(fd, connection);
            throw e;
        }
        return connection;
    }

    // What a dialer looks at

    /** Whether the kernel has connected it to its own port (golang/go 2690). */
    public static boolean isConnectedToItself(ConnectionDescriptor connection) throws NetparkException {
        return connection.isConnectedToItself();
    }
}
