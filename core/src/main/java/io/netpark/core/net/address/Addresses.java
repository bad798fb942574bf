package io.netpark.core.net.address;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** Socket addresses as the kernel tells them. */
public final class Addresses {

    private Addresses() {}

    /**
     * An address that the kernel understands: resolved; the JDK's unix address as ours.
     *
     * @throws NetparkException.UnknownHost if it is not resolved
     * @throws IllegalArgumentException if it is of a family that is not known
     */
    public static SocketAddress usable(SocketAddress address) throws NetparkException.UnknownHost {
        if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new NetparkException.UnknownHost("the address " + AddressText.of(address)
                    + " is not resolved: its host is unknown, or has not been looked up");
        }
        return ours(address);
    }

    /**
     * The JDK's unix address as ours.
     *
     * @throws IllegalArgumentException if it is of a family that is not known
     */
    public static SocketAddress ours(SocketAddress address) {
        if (address instanceof UnixDomainSocketAddress unix) {
            return UnixAddress.of(unix);
        }
        SockAddr.family(address);
        return address;
    }

    /**
     * The exception for a host whose address nobody could tell.
     *
     * @param operation what the address was wanted for
     * @param cause the answer of the resolver, or why it could not be asked
     */
    public static NetparkException.UnknownHost unknownHost(String operation, @Nullable String host, Throwable cause) {
        String why = cause instanceof UnknownHostException || cause instanceof CancellationException
                ? String.valueOf(cause.getMessage()) : cause.toString();
        NetparkException.UnknownHost unknown = new NetparkException.UnknownHost(operation + ": no address is known of " + host + ": "
                + why + "; is the name right, and the resolver reachable?");
        unknown.initCause(cause);
        return unknown;
    }

    /** The number of the protocol of a socket of this family and type. */
    public static int protocol(int family, int type) {
        return family == Linux.AF_UNIX ? 0 : type == Linux.SOCK_STREAM ? Linux.IPPROTO_TCP : Linux.IPPROTO_UDP;
    }

    /** getsockname(2), or null if it fails. */
    public static @Nullable SocketAddress local(LibC libc, int fd) {
        byte[] name = name(libc, fd, false);
        return name == null ? null : SockAddr.of(name);
    }

    /** getpeername(2), or null if it fails: the socket is not connected. */
    public static @Nullable SocketAddress peer(LibC libc, int fd) {
        byte[] name = name(libc, fd, true);
        return name == null ? null : SockAddr.of(name);
    }

    /** getpeername(2) as the kernel writes it; null unless it is a connected socket of this type, of a family that we know. */
    public static byte @Nullable [] peerOf(LibC libc, int fd, int type) {
        if (option(libc, fd, Linux.SO_TYPE) != type) {
            return null;
        }
        int family = option(libc, fd, Linux.SO_DOMAIN);
        return family == Linux.AF_INET || family == Linux.AF_INET6 || family == Linux.AF_UNIX ? name(libc, fd, true) : null;
    }

    /** An int option of SOL_SOCKET, or minus errno. */
    public static int option(LibC libc, int fd, int name) {
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putInt(Scratch.LENGTH, Integer.BYTES);
            int result = libc.getsockopt(
                    fd, Linux.SOL_SOCKET, name, scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
            return result < 0 ? result : scratch.memory().getInt(Scratch.VALUE);
        } finally {
            scratch.giveBack();
        }
    }

    private static byte @Nullable [] name(LibC libc, int fd, boolean peer) {
        Scratch scratch = Scratch.take();
        try {
            long address = scratch.address(Scratch.SOCKADDR);
            int result;
            do {
                scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
                long length = scratch.address(Scratch.LENGTH);
                result = peer ? libc.getpeername(fd, address, length) : libc.getsockname(fd, address, length);
            } while (result == -Errno.EINTR);
            return result < 0 ? null
                    : SockAddr.copy(scratch.memory(), Scratch.SOCKADDR, scratch.memory().getInt(Scratch.LENGTH));
        } finally {
            scratch.giveBack();
        }
    }
}
