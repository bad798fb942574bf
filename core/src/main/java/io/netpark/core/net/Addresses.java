package io.netpark.core.net;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
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
