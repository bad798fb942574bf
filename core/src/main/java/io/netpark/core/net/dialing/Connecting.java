package io.netpark.core.net.dialing;

import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Dialable;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.Bound;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Opening;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.Unowned;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * The first half of a connect to one address: a socket on which connect(2) has been called. {@link Dialer} does the rest.
 *
 * <p>For Netpark's own adapters.
 */
public final class Connecting {

    private Connecting() {}

    /** As {@link #begin(EventLoop, SocketAddress, NetOptions, SocketAddress)}, from the local address that the kernel chooses. */
    public static ConnectionDescriptor begin(EventLoop loop, SocketAddress remote, NetOptions options) throws NetparkException {
        return begin(loop, remote, options, null);
    }

    /**
     * Starts connecting to an address. Never parks: the connection that is returned is not established yet, and
     * {@link ConnectionDescriptor#startConnect} has to finish it.
     *
     * @param loop where the connection will live
     * @param remote resolved
     * @param local where from, of the same family; its port may be 0
     * @throws NetparkException if it fails at once; nothing is left open
     * @throws NetparkException.UnknownHost if the address is unresolved
     * @throws IllegalArgumentException if its port is 0, or that of a socket without a name
     */
    public static ConnectionDescriptor begin(
            EventLoop loop, SocketAddress remote, NetOptions options, @Nullable SocketAddress local) throws NetparkException {
        SocketAddress to = Dialable.require(Addresses.usable(remote));
        LibC libc = loop.libc();
        int family = SockAddr.family(to);
        Scratch scratch = Scratch.take();
        try (Unowned socket = new Unowned(libc)) {
            int fd = socket.hold(libc.socket(family, Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC,
                    Addresses.protocol(family, Linux.SOCK_STREAM)));
            if (fd < 0) {
                throw NetparkException.of(-fd, "socket to connect to " + AddressText.of(to));
            }
            OptionCalls.apply(options, libc, fd, family);
            if (local != null) {
                bind(libc, fd, local);
            }
            int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, to);
            int result = libc.connect(fd, scratch.address(Scratch.SOCKADDR), length);
            // EINTR: the handshake goes on in the kernel (connect(2)); calling again would only say EALREADY.
            if (result < 0 && result != -Errno.EINPROGRESS && result != -Errno.EINTR) {
                throw Dialable.failure(-result, to);
            }
            byte[] address = SockAddr.copy(scratch.memory(), Scratch.SOCKADDR, length);
            // With a cookie for fast open connect(2) succeeds without a word to the peer, and getpeername(2) still says no.
            boolean unasked = result == 0 && family != Linux.AF_UNIX;
            return Opening.watchConnecting(loop, socket, address, unasked);
        } finally {
            scratch.giveBack();
        }
    }

    private static void bind(LibC libc, int fd, SocketAddress local) throws NetparkException {
        if (local instanceof InetSocketAddress inet && inet.getPort() == 0) {
            // The port is chosen at connect(2): as many as there are, for each destination.
            OptionCalls.set(libc, fd, NO_PORT_YET, true);
        }
        Bound.bind(libc, fd, Addresses.usable(local));
    }

    private static final NetOption<Boolean> NO_PORT_YET =
            NetOption.ofFlag("IP_BIND_ADDRESS_NO_PORT", Linux.IPPROTO_IP, Linux.IP_BIND_ADDRESS_NO_PORT);
}
