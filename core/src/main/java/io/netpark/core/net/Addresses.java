package io.netpark.core.net;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.SockAddr;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Socket addresses as the kernel tells them, and as messages show them. */
final class Addresses {

    private Addresses() {}

    /** {@code 127.0.0.1:80} or {@code [::1]:80}; the name as well where one was looked up. */
    static String text(InetSocketAddress address) {
        if (address.isUnresolved()) {
            return address.getHostString() + ":" + address.getPort();
        }
        String host = address.getAddress().getHostAddress();
        return (address.getAddress() instanceof Inet6Address ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    /** getsockname(2), or null if it fails. */
    static @Nullable InetSocketAddress local(LibC libc, int fd) {
        return name(libc, fd, false);
    }

    /** getpeername(2), or null if it fails: the socket is not connected. */
    static @Nullable InetSocketAddress peer(LibC libc, int fd) {
        return name(libc, fd, true);
    }

    /** getpeername(2) as the kernel writes it; null unless it is a connected stream socket of a family that we know. */
    static byte @Nullable [] peerOfStream(LibC libc, int fd) {
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putInt(Scratch.LENGTH, Integer.BYTES);
            int result = libc.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_TYPE,
                    scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
            if (result < 0 || scratch.memory().getInt(Scratch.VALUE) != Linux.SOCK_STREAM) {
                return null;
            }
            scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
            result = libc.getpeername(fd, scratch.address(Scratch.SOCKADDR), scratch.address(Scratch.LENGTH));
            int family = scratch.memory().getShort(Scratch.SOCKADDR);
            return result < 0 || family != Linux.AF_INET && family != Linux.AF_INET6
                    ? null : SockAddr.copy(scratch.memory(), Scratch.SOCKADDR);
        } finally {
            scratch.giveBack();
        }
    }

    private static @Nullable InetSocketAddress name(LibC libc, int fd, boolean peer) {
        Scratch scratch = Scratch.take();
        try {
            long address = scratch.address(Scratch.SOCKADDR);
            int result;
            do {
                scratch.memory().putInt(Scratch.LENGTH, SockAddr.MAX_SIZE);
                long length = scratch.address(Scratch.LENGTH);
                result = peer ? libc.getpeername(fd, address, length) : libc.getsockname(fd, address, length);
            } while (result == -Errno.EINTR);
            return result < 0 ? null : SockAddr.read(scratch.memory(), Scratch.SOCKADDR);
        } finally {
            scratch.giveBack();
        }
    }
}
