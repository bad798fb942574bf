package io.netpark.core.net.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Wildcard;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import io.netpark.core.sys.Unowned;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A socket that has been bound to an address, while nothing watches it yet. {@link #close} closes the socket and removes its file,
 * unless the socket has been {@linkplain #release released} before.
 *
 * <p>For Netpark's own sockets.
 *
 * @param local with the port that was chosen for 0
 * @param file what is to be removed with the socket; null if that is nothing
 * @param forAccepted what is to be set on each socket that it accepts; null if that is nothing
 */
public record Bound(Unowned socket, SocketAddress local, @Nullable SocketFile file, @Nullable NetOptions forAccepted) implements AutoCloseable {

    public int fd() {
        return socket.fd();
    }

    /** The caller owns the socket and the file from now on. */
    public void release() {
        socket.release();
    }

    @Override
    public void close() {
        if (socket.isHeld()) {
            close(socket, file);
        }
    }

    private static void close(Unowned socket, @Nullable SocketFile file) {
        try (socket) {
            if (file != null) {
                file.remove(); // before the name is free for others
            }
        }
    }

    /** A socket that listens for streams or for sequenced packets. SO_REUSEADDR is on, so a server can be started again at once. */
    public static Bound listening(LibC libc, SocketAddress given, int type, NetOptions options) throws NetparkException {
        return open(libc, given, type, options, true);
    }

    /** A socket for datagrams. An unnamed unix address binds nothing: such a socket can send, and cannot be answered. */
    public static Bound datagrams(LibC libc, SocketAddress given, NetOptions options) throws NetparkException {
        return open(libc, given, Linux.SOCK_DGRAM, options, false);
    }

    private static Bound open(LibC libc, SocketAddress given, int type, NetOptions options, boolean listens)
            throws NetparkException {
        SocketAddress address = Addresses.usable(given);
        SocketAddress widened = Wildcard.widened(address);
        if (widened == address) {
            return bind(libc, address, type, options, listens);
        }
        try {
            return bind(libc, widened, type, options, listens);
        } catch (NetparkException.SystemError e) {
            if (Wildcard.saysNoIpv6(e.errno())) {
                return bind(libc, address, type, options, listens);
            }
            throw e;
        }
    }

    private static Bound bind(LibC libc, SocketAddress address, int type, NetOptions options, boolean listens)
            throws NetparkException {
        int family = SockAddr.family(address);
        Unowned socket = new Unowned(libc);
        int fd = socket.hold(
                libc.socket(family, type | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, Addresses.protocol(family, type)));
        if (fd < 0) {
            throw NetparkException.of(-fd, "socket to " + (listens ? "listen on " : "bind to ") + AddressText.of(address));
        }
        SocketFile file = null;
        boolean takesBoth = false;
        try {
            if (address instanceof InetSocketAddress inet) {
                OptionCalls.set(libc, fd, listens ? NetOption.REUSE_ADDRESS : NetOption.BROADCAST, true);
                if (inet.getAddress() instanceof Inet6Address inet6) {
                    takesBoth = inet6.isAnyLocalAddress();
                    OptionCalls.set(libc, fd, NetOption.V6_ONLY, !takesBoth);
                }
            }
            if (listens) {
                OptionCalls.applyToListener(options, libc, fd, family, takesBoth);
            } else {
                OptionCalls.applyToDatagrams(options, libc, fd, family, takesBoth);
            }
            boolean unnamed = address instanceof UnixAddress unix && unix.isUnnamed();
            if (listens || !unnamed) { // bind(2) would make up a name (unix(7), "Autobind feature")
                SocketFile made = SocketFile.of(libc, address); // before bind(2): what fails after it finds all that it needs
                bind(libc, fd, address);
                file = made;
                if (made != null) {
                    made.bound();
                }
            }
            if (listens) {
                int result = libc.listen(fd, Backlog.ofSystem());
                if (result < 0) {
                    throw NetparkException.of(-result, "listen on " + AddressText.of(address));
                }
            }
            SocketAddress local = Addresses.local(libc, fd, "get the address of the socket bound to " + AddressText.of(address));
            return new Bound(socket, local, file, listens ? OptionCalls.notInherited(options, family) : null);
        } catch (Throwable e) {
            close(socket, file);
            throw e;
        }
    }

    /**
     * bind(2).
     *
     * @throws NetparkException naming the address; of a path that is in use it says by what
     */
    public static void bind(LibC libc, int fd, SocketAddress address) throws NetparkException {
        Scratch scratch = Scratch.take();
        int result;
        try {
            int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, address);
            result = libc.bind(fd, scratch.address(Scratch.SOCKADDR), length);
        } finally {
            scratch.giveBack();
        }
        if (result == -Errno.EADDRINUSE && address instanceof UnixAddress unix && unix.isPath()) {
            throw SocketFile.inUse(libc, unix);
        }
        if (result < 0) {
            throw NetparkException.of(-result, "bind to " + AddressText.of(address));
        }
    }
}
