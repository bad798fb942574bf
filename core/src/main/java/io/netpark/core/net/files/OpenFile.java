package io.netpark.core.net.files;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.Statx;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.FileName;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Unowned;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A regular file that is open to be sent, by any number of {@link FileTransfer}s at once: they say where they read, and the
 * file has no position of its own. A server keeps files open that are asked for often.
 *
 * <p>Threads: any. Closing never waits: the descriptor goes when the last system call on it has returned, and transfers that are not
 * over then fail. Opening, asking for the size or the time and sending wait for the disk where the
 * kernel has not the answer in memory, and on an event loop everybody waits with them.
 *
 * <p>Ownership: whoever opened it closes it.
 */
public final class OpenFile implements AutoCloseable {

    /** The lowest bits count system calls in progress; the highest says that it has been closed. */
    private static final int CLOSED = Integer.MIN_VALUE;

    private final LibC libc;
    private final Path path;
    private final int fd;
    private final AtomicInteger uses = new AtomicInteger();

    private OpenFile(LibC libc, Path path, int fd) {
        this.libc = libc;
        this.path = path;
        this.fd = fd;
    }

    /**
     * Opens a file to be read (open(2)).
     *
     * @throws NoSuchFileException if there is none
     * @throws AccessDeniedException if this process may not read it
     * @throws FileSystemException if it is a folder, a pipe or a device, or for another reason that it names
     * @throws NetparkException.TooManyDescriptors if there is no descriptor left
     * @throws IllegalArgumentException if the path is one of another file system than the machine's, of a zip file say;
     *     the bytes of those can be sent from a channel
     */
    public static OpenFile open(Path path) throws IOException {
        return open(path, Binding.defaultLibC());
    }

    /** As {@link #open(Path)}, by a C library of the caller's choice. */
    public static OpenFile open(Path path, LibC libc) throws IOException {
        if (path.getFileSystem() != FileSystems.getDefault()) {
            throw new IllegalArgumentException("open " + path.toUri() + ": it is no file of this machine; send it as a channel");
        }
        try (Unowned fresh = new Unowned(libc)) {
            int fd = open(libc, path, fresh);
            if (fd < 0) {
                throw failure(-fd, "open ", path);
            }
            OpenFile file = new OpenFile(libc, path, fd);
            file.size(); // of a regular file only
            fresh.release();
            return file;
        }
    }

    private static int open(LibC libc, Path path, Unowned fresh) {
        byte[] name = FileName.bytes(path);
        if (name.length >= Scratch.CAPACITY) {
            return -Errno.ENAMETOOLONG;
        }
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().put(Scratch.BYTES, name).put(Scratch.BYTES + name.length, (byte) 0);
            int result;
            do {
                // O_NONBLOCK: a pipe would wait for its writer. Regular files do not know this flag.
                result = fresh.hold(
                        libc.open(scratch.address(Scratch.BYTES), Linux.O_RDONLY | Linux.O_CLOEXEC | Linux.O_NONBLOCK));
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            scratch.giveBack();
        }
    }

    private static IOException failure(int errno, String operation, Path path) {
        return switch (errno) {
            case Errno.ENOENT -> new NoSuchFileException(path.toString());
            case Errno.EACCES -> new AccessDeniedException(path.toString());
            case Errno.EMFILE, Errno.ENFILE -> NetparkException.of(errno, operation + path);
            default -> new FileSystemException(path.toString(), null, Errno.describe(errno));
        };
    }

    /** The path that it was opened by. */
    public Path path() {
        return path;
    }

    /**
     * How many bytes it has now. Files that the kernel makes up as they are read, as those of /proc, have 0.
     *
     * @throws NetparkException.Closed if it is closed
     */
    public long size() throws IOException {
        Scratch scratch = acquireWithScratch();
        try {
            return look(Linux.STATX_SIZE, scratch) ? Statx.size(scratch.memory(), Scratch.BYTES) : lookByProc().size();
        } finally {
            scratch.giveBack();
            release();
        }
    }

    /**
     * When its content has last changed, as exactly as the file system knows it. That is told of the open file, also if another
     * has its path by now: together with the size it tells one version of a file from the next.
     *
     * @throws NetparkException.Closed if it is closed
     */
    public FileTime lastModified() throws IOException {
        Scratch scratch = acquireWithScratch();
        try {
            if (!look(Linux.STATX_MTIME, scratch)) {
                return lookByProc().lastModifiedTime();
            }
            ByteBuffer found = scratch.memory();
            return FileTime.from(Instant.ofEpochSecond(
                    Statx.modifiedSeconds(found, Scratch.BYTES), Statx.modifiedNanos(found, Scratch.BYTES)));
        } finally {
            scratch.giveBack();
            release();
        }
    }

    /** statx(2) of the descriptor. Returns false if there is no such call. */
    private boolean look(int wanted, Scratch scratch) throws IOException {
        scratch.memory().put(Scratch.BYTES + Statx.SIZE, (byte) 0); // no name: the descriptor
        int result = libc.statx(fd, scratch.address(Scratch.BYTES + Statx.SIZE), Linux.AT_EMPTY_PATH,
                Linux.STATX_TYPE | wanted, scratch.address(Scratch.BYTES));
        if (Errno.isNotHere(result)) {
            return false;
        }
        if (result < 0) {
            throw failure(-result, "look at ", path);
        }
        requireRegular(Statx.isRegularFile(scratch.memory(), Scratch.BYTES));
        return true;
    }

    /** For a C library or a kernel that has no statx, or a filter that forbids it. */
    private BasicFileAttributes lookByProc() throws IOException {
        BasicFileAttributes attributes =
                Files.readAttributes(Path.of("/proc/self/fd/" + fd), BasicFileAttributes.class);
        requireRegular(attributes.isRegularFile());
        return attributes;
    }

    private void requireRegular(boolean regular) throws FileSystemException {
        if (!regular) {
            throw new FileSystemException(path.toString(), null, "it is no regular file, and only those have a part to be sent");
        }
    }

    /** sendfile(2) to a socket; the caller's C library makes the call. */
    long sendTo(LibC caller, int socket, long offset, long most) throws NetparkException.Closed {
        Scratch scratch = acquireWithScratch();
        try {
            scratch.memory().putLong(Scratch.VALUE, offset);
            return caller.sendfile(socket, fd, scratch.address(Scratch.VALUE), most);
        } finally {
            scratch.giveBack();
            release();
        }
    }

    /** pread(2); 0 at the end of the file. */
    long read(LibC caller, long address, int length, long offset) throws NetparkException.Closed {
        acquire();
        try {
            return caller.pread(fd, address, length, offset);
        } finally {
            release();
        }
    }

    /** As {@link #acquire}, which there must not be without a {@code try} behind it. */
    private Scratch acquireWithScratch() throws NetparkException.Closed {
        Scratch scratch = Scratch.take();
        try {
            acquire();
            return scratch;
        } catch (Throwable e) {
            scratch.giveBack();
            throw e;
        }
    }

    private void acquire() throws NetparkException.Closed {
        int seen;
        do {
            seen = uses.get();
            if (seen < 0) {
                throw new NetparkException.Closed("use " + path + ": the file has been closed here");
            }
        } while (!uses.compareAndSet(seen, seen + 1));
    }

    private void release() {
        if (uses.decrementAndGet() == CLOSED) {
            libc.close(fd);
        }
    }

    /** Closes it. Calling it again has no effect. */
    @Override
    public void close() {
        int seen;
        do {
            seen = uses.get();
            if (seen < 0) {
                return;
            }
        } while (!uses.compareAndSet(seen, seen | CLOSED));
        if (seen == 0) {
            libc.close(fd);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
