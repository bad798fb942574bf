package io.netpark.core.net;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The file that bind(2) makes of a unix socket's path. Nobody but the kernel makes it, and nobody at all removes it: that is
 * for the socket that caused it, once, before its descriptor is closed (Go's {@code net.UnixListener} has the same rule). An
 * abstract name has no file.
 */
final class SocketFile {

    private final Path path;
    private final AtomicBoolean kept;

    private SocketFile(Path path) {
        this.path = path;
        this.kept = new AtomicBoolean();
    }

    /** The file of a socket that has just been bound, or null if it has none. */
    static @Nullable SocketFile of(java.net.SocketAddress bound) {
        Path path = bound instanceof UnixAddress unix ? unix.path() : null;
        return path == null ? null : new SocketFile(path.toAbsolutePath()); // the working folder of a JVM stays
    }

    /** Leaves it where it is. */
    void keep() {
        kept.set(true);
    }

    /** Removes it, the first time. */
    void remove() {
        if (kept.compareAndSet(false, true)) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // Somebody else's by now, or the folder is: it harms nobody but the next who binds, who will be told.
            }
        }
    }

    /** Why a path is in use: somebody is there, somebody was there, or it is no socket. */
    static NetparkException inUse(LibC libc, UnixAddress address) {
        String operation = "bind to " + address + ": ";
        Path path = address.path();
        if (path == null || !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return NetparkException.of(Errno.EADDRINUSE, "bind to " + address);
        }
        return switch (probe(libc, address)) {
            case -Errno.ECONNREFUSED -> NetparkException.inUse(operation + "the file is left from a server that has ended "
                    + "without removing it, as nobody listens there; remove it and start again");
            case -Errno.ENOTSOCK -> NetparkException.inUse(
                    operation + "there is a file that is not a socket; choose another path");
            default -> NetparkException.inUse(operation + "somebody uses it already; choose another path or stop its owner");
        };
    }

    private static int probe(LibC libc, UnixAddress address) {
        int fd = libc.socket(Linux.AF_UNIX, Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            return fd;
        }
        Scratch scratch = Scratch.take();
        try {
            Path path = address.path();
            if (path != null && Files.isRegularFile(path)) {
                return -Errno.ENOTSOCK;
            }
            int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, address);
            return libc.connect(fd, scratch.address(Scratch.SOCKADDR), length);
        } finally {
            scratch.giveBack();
            libc.close(fd);
        }
    }
}
