package io.netpark.core.net.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.Statx;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.FileName;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import io.netpark.core.sys.UnixAddress;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The file that bind(2) makes of a unix socket's path. The kernel makes the file and never removes it: that is for the socket that
 * caused it, once, before its descriptor is closed. An abstract name has no file.
 *
 * <p>By then the path may be somebody else's: a successor has removed the file and bound its own, or a file or a folder has been
 * put there. So what is removed is only the very file that was bound, known by its device and inode. While the socket is open
 * the kernel keeps that inode, so no other file can have its number. The path is given to the kernel as it was given to
 * bind(2): a relative one is meant from the working folder of the process, whatever {@code user.dir} says.
 *
 * <p>What remains: the kernel can remove a file only by its path. Another file that is put there in the instant between the last look
 * and unlink(2) is lost, and one that is put there between bind(2) and the first look is taken for this socket's. A file that cannot
 * be told from others stays: the next bind(2) says what it is.
 *
 * <p>For Netpark's own sockets.
 */
public final class SocketFile {

    private static final int IDENTITY = Linux.STATX_TYPE | Linux.STATX_INO;

    private final LibC libc;
    private final byte[] name;
    /** For a statx, and the name behind it: made beforehand, so that removing needs no memory. */
    private final NativeMemory memory;
    private final AtomicBoolean kept = new AtomicBoolean();

    /** The file's identity, as statx(2) tells it. Guarded by this, as is the memory. */
    private boolean known;
    private long device;
    private long inode;
    /** And as the JDK tells it, where there is no statx(2). Null where there is. */
    private @Nullable Map<String, Object> attributes;

    private SocketFile(LibC libc, byte[] name) {
        this.libc = libc;
        this.name = name;
        this.memory = NativeMemory.allocate(Statx.SIZE + name.length + 1);
        memory.buffer().put(Statx.SIZE, name).put(Statx.SIZE + name.length, (byte) 0);
    }

    /** The file of a socket that is about to be bound to an address, or null if it will have none. */
    public static @Nullable SocketFile of(LibC libc, SocketAddress address) {
        return address instanceof UnixAddress unix && unix.isPath() ? new SocketFile(libc, unix.name()) : null;
    }

    /** The file of a socket that somebody else has bound, as it is now; it stays, unless somebody wants it {@linkplain #take removed}. */
    public static @Nullable SocketFile ofOthers(LibC libc, SocketAddress address) {
        SocketFile file = of(libc, address);
        if (file != null) {
            file.keep();
            file.bound();
        }
        return file;
    }

    /** The socket has just been bound: remembers which file that has made. */
    public synchronized void bound() {
        int result = look();
        if (result == 0) {
            device = Statx.device(memory.buffer(), 0);
            inode = Statx.inode(memory.buffer(), 0);
            known = true;
        } else if (result != -Errno.ENOENT) {
            attributes = lookByJdk(name);
            known = attributes != null;
        }
    }

    /** Leaves the file where it is. */
    public void keep() {
        kept.set(true);
    }

    /** What {@link #keep} does is undone. */
    public void take() {
        kept.set(false);
    }

    /** Removes it, the first time, if it is still there. */
    public void remove() {
        if (kept.compareAndSet(false, true)) {
            unlinkIfMine();
        }
    }

    private synchronized void unlinkIfMine() {
        if (known && (attributes == null ? isMine() : attributes.equals(lookByJdk(name)))) {
            // Whatever it returns: after a failure the file or its folder is another's, and the next bind(2) will say so.
            libc.unlink(memory.address() + Statx.SIZE);
        }
    }

    private boolean isMine() {
        return look() == 0 && Statx.device(memory.buffer(), 0) == device && Statx.inode(memory.buffer(), 0) == inode;
    }

    private int look() {
        return libc.statx(Linux.AT_FDCWD, memory.address() + Statx.SIZE, Linux.AT_SYMLINK_NOFOLLOW, IDENTITY, memory.address());
    }

    /** For a C library that has no statx, or a sandbox that hides it. */
    private static @Nullable Map<String, Object> lookByJdk(byte[] name) {
        try {
            // Not by the JDK's own idea of the working folder, which -Duser.dir changes.
            Path path = Path.of("/proc/self/cwd").resolve(FileName.path(name));
            return Files.readAttributes(path, "unix:dev,ino,mode", LinkOption.NOFOLLOW_LINKS);
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    /** Why a path is in use: somebody is there, somebody was there, or it is no socket. */
    static NetparkException inUse(LibC libc, UnixAddress address) {
        String operation = "bind to " + address + ": ";
        return switch (isOtherFile(libc, address) ? -Errno.ENOTSOCK : probe(libc, address)) {
            case -Errno.ECONNREFUSED -> NetparkException.inUse(operation + "the file is left from a server that has ended "
                    + "without removing it, as nobody listens there; remove it and start again");
            case -Errno.ENOTSOCK -> NetparkException.inUse(
                    operation + "there is a file that is not a socket; choose another path");
            case -Errno.ENOENT -> NetparkException.of(Errno.EADDRINUSE, "bind to " + address);
            default -> NetparkException.inUse(operation + "somebody uses it already; choose another path or stop its owner");
        };
    }

    /** Whether what has the path is no socket, as far as can be seen. */
    private static boolean isOtherFile(LibC libc, UnixAddress address) {
        SocketFile file = new SocketFile(libc, address.name());
        synchronized (file) {
            return file.look() == 0 && !Statx.isSocket(file.memory.buffer(), 0);
        }
    }

    private static int probe(LibC libc, UnixAddress address) {
        int fd = libc.socket(Linux.AF_UNIX, Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            return fd;
        }
        try {
            Scratch scratch = Scratch.take();
            try {
                int length = SockAddr.write(scratch.memory(), Scratch.SOCKADDR, address);
                return libc.connect(fd, scratch.address(Scratch.SOCKADDR), length);
            } finally {
                scratch.giveBack();
            }
        } finally {
            libc.close(fd);
        }
    }
}
