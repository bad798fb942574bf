package io.netpark.core.net.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Sockets that something else has opened: what they are, and what makes them fit for an event loop. They stay the caller's.
 *
 * <p>For Netpark's own sockets.
 */
public final class Adoption {

    private Adoption() {}

    /**
     * Makes a connected stream socket non-blocking and close-on-exec.
     *
     * @return its peer, as the kernel writes it
     * @throws NetparkException saying what it is instead
     */
    public static byte[] connected(LibC libc, int fd) throws NetparkException {
        String operation = "adopt descriptor " + fd;
        requireOpen(libc, fd, operation);
        boolean known = option(libc, fd, Linux.SO_TYPE, operation) == Linux.SOCK_STREAM
                && isKnown(option(libc, fd, Linux.SO_DOMAIN, operation));
        if (!known || Addresses.peerErrno(libc, fd) == Errno.ENOTCONN) {
            throw NetparkException.wrongDescriptor(Errno.ENOTCONN,
                    operation + ": it is " + kind(libc, fd) + ", and not a connected stream socket");
        }
        byte[] remote = Addresses.peer(libc, fd, operation);
        prepare(libc, fd, operation);
        return remote;
    }

    /**
     * Makes a listening stream socket non-blocking and close-on-exec, and sets options.
     *
     * @return not to be closed: the descriptor is not its
     * @throws NetparkException saying what it is instead, and what to do
     */
    public static Bound listening(LibC libc, int fd, NetOptions options) throws NetparkException {
        String operation = "adopt descriptor " + fd + " as a listener";
        requireOpen(libc, fd, operation);
        int family = option(libc, fd, Linux.SO_DOMAIN, operation);
        if (!isKnown(family) || option(libc, fd, Linux.SO_TYPE, operation) != Linux.SOCK_STREAM
                || option(libc, fd, Linux.SO_ACCEPTCONN, operation) != 1) {
            throw NetparkException.wrongDescriptor(Errno.EINVAL, operation + ": it is " + kind(libc, fd) + wayOut(libc, fd));
        }
        SocketAddress local = Addresses.local(libc, fd, operation);
        prepare(libc, fd, operation);
        boolean takesBoth = family == Linux.AF_INET6
                && local instanceof InetSocketAddress inet && inet.getAddress() instanceof Inet6Address inet6
                && inet6.isAnyLocalAddress() && !OptionCalls.get(libc, fd, NetOption.V6_ONLY);
        OptionCalls.applyToListener(options, libc, fd, family, takesBoth);
        Unowned socket = new Unowned(libc);
        socket.hold(fd);
        return new Bound(socket, local, SocketFile.ofOthers(libc, local), OptionCalls.notInherited(options, SockAddr.family(local)));
    }

    /** How many connections wait that the kernel made before the options were set; 0 of a unix socket, which has none to pass on. */
    public static int queued(LibC libc, int fd, SocketAddress local) throws NetparkException {
        return SockAddr.family(local) == Linux.AF_UNIX ? 0
                : OptionCalls.get(libc, fd, OptionCalls.TCP_INFO).unacknowledged(); // of one that listens: sk_ack_backlog
    }

    private static void requireOpen(LibC libc, int fd, String operation) throws NetparkException {
        int result = libc.fcntl(fd, Linux.F_GETFD, 0);
        if (result < 0) {
            throw NetparkException.of(-result, operation);
        }
    }

    /** An option that every socket has; less than 0 if the descriptor is no socket. */
    private static int option(LibC libc, int fd, int name, String operation) throws NetparkException {
        int value = Addresses.option(libc, fd, name);
        if (value < 0 && value != -Errno.ENOTSOCK) {
            throw NetparkException.of(-value, operation);
        }
        return value;
    }

    private static boolean isKnown(int family) {
        return family == Linux.AF_INET || family == Linux.AF_INET6 || family == Linux.AF_UNIX;
    }

    private static void prepare(LibC libc, int fd, String operation) throws NetparkException {
        int result = libc.fcntl(fd, Linux.F_GETFL, 0);
        if (result >= 0) {
            result = libc.fcntl(fd, Linux.F_SETFL, result | Linux.O_NONBLOCK);
        }
        if (result >= 0) {
            result = libc.fcntl(fd, Linux.F_SETFD, Linux.FD_CLOEXEC);
        }
        if (result < 0) {
            throw NetparkException.of(-result, operation);
        }
    }

    // What a descriptor is

    /** {@code a pipe}, {@code a datagram socket}, {@code a connected stream socket}. */
    private static String kind(LibC libc, int fd) {
        int type = Addresses.option(libc, fd, Linux.SO_TYPE);
        if (type < 0) {
            return file(fd);
        }
        int family = Addresses.option(libc, fd, Linux.SO_DOMAIN);
        String state = Addresses.option(libc, fd, Linux.SO_ACCEPTCONN) == 1 ? "listening "
                : isKnown(family) && Addresses.peerErrno(libc, fd) == 0 ? "connected " : "";
        String socket = switch (type) {
            case Linux.SOCK_STREAM -> "stream socket";
            case Linux.SOCK_DGRAM -> "datagram socket";
            case Linux.SOCK_SEQPACKET -> "socket of sequenced packets";
            default -> "socket of type " + type;
        };
        return "a " + state + socket + (isKnown(family) ? "" : " of the address family " + family);
    }

    private static String file(int fd) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
            return target.startsWith("/") ? "the file " + target : "no socket but " + target;
        } catch (IOException e) { // there is no /proc
            return "no socket";
        }
    }

    private static String wayOut(LibC libc, int fd) {
        if (Addresses.option(libc, fd, Linux.SO_TYPE) != Linux.SOCK_STREAM) {
            return "; a listening stream socket is wanted (ListenStream= of systemd)";
        }
        return Addresses.peerErrno(libc, fd) == 0
                ? "; adopt it as a connection, or have it accepted here (Accept=no of systemd)"
                : "; it must listen before it is passed (listen(2))";
    }
}
