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

    /**
     * getsockname(2).
     *
     * @param operation what the address is wanted for, for the message
     * @throws NetparkException if the kernel does not tell it: a lack of memory, or a filter of system calls
     */
    public static SocketAddress local(LibC libc, int fd, String operation) throws NetparkException {
        return SockAddr.of(name(libc, fd, false, operation));
    }

    /**
     * getpeername(2), as the kernel writes it.
     *
     * @param operation what the address is wanted for, for the message
     * @throws NetparkException if the kernel does not tell it: the socket is not connected ({@link Errno#ENOTCONN}), or as
     *     {@link #local}
     */
    public static byte[] peer(LibC libc, int fd, String operation) throws NetparkException {
        return name(libc, fd, true, operation);
    }

    /** Why getpeername(2) fails: {@link Errno#ENOTCONN} if the socket is not connected, or not yet. 0 if it does not fail. */
    public static int peerErrno(LibC libc, int fd) {
        Scratch scratch = Scratch.take();
        try {
            return -name(libc, fd, true, scratch);
        } finally {
            scratch.giveBack();
        }
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

    private static byte[] name(LibC libc, int fd, boolean peer, String operation) throws NetparkException {
        Scratch scratch = Scratch.take();
        try {
            int result = name(libc, fd, peer, scratch);
            if (result < 0) {
                throw NetparkException.of(-result, operation);
            }
            return SockAddr.copy(scratch.memory(), Scratch.SOCKADDR, scratch.memory().getInt(Scratch.LENGTH));
        } finally {
            scratch.giveBack();
        }
    }

    /** Returns 0 or minus errno. */
    private static int name(LibC libc, int fd, boolean peer, Scratch scratch) {
        long address = scratch.address(Scratch.SOCKADDR);
        int result;
        do {
            scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
            long length = scratch.address(Scratch.LENGTH);
            result = peer ? libc.getpeername(fd, address, length) : libc.getsockname(fd, address, length);
        } while (result == -Errno.EINTR);
        return result;
    }
}
