package io.netpark.core.sys;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * A pipe that bytes are spliced through, from one descriptor to another, without being copied (splice(2)). It never waits:
 * {@code EAGAIN} is about the other descriptor as long as the pipe is filled only when empty, and emptied before it is
 * filled again.
 *
 * <p>Not safe for use by several threads at a time. To be closed.
 *
 * <p>For Netpark's own adapters.
 */
public final class Pipe implements AutoCloseable {

    /**
     * How many bytes it should hold: as many as an unprivileged user may ask for (/proc/sys/fs/pipe-max-size), and what Go
     * asks for. With 1 MiB a relay took 0.32 s of CPU a GB, with 256 KiB 0.34, with 64 KiB 0.42; copying, 0.73.
     */
    static final int WANTED = 1 << 20;
    /** What a pipe has at first, unless its user has used up fs.pipe-user-pages-soft: then it is a page or two (pipe(7)). */
    static final int LEAST = 1 << 16;

    private static final int FLAGS = Linux.SPLICE_F_MOVE | Linux.SPLICE_F_NONBLOCK;

    private final LibC libc;
    private final int in;
    private final int out;
    private final int capacity;
    private int size;

    private Pipe(LibC libc, int in, int out, int capacity) {
        this.libc = libc;
        this.in = in;
        this.out = out;
        this.capacity = capacity;
    }

    /** An empty pipe; null if there are no descriptors for it, or only so little memory that copying is better. */
    public static @Nullable Pipe open(LibC libc) {
        NativeMemory ends = NativeMemory.allocate(2 * Integer.BYTES);
        if (libc.pipe2(ends.address(), Linux.O_NONBLOCK | Linux.O_CLOEXEC) < 0) {
            return null;
        }
        int out = ends.buffer().getInt(0);
        int in = ends.buffer().getInt(Integer.BYTES);
        try {
            return of(libc, in, out);
        } catch (Throwable e) { // no memory
            libc.close(in);
            libc.close(out);
            throw e;
        }
    }

    private static @Nullable Pipe of(LibC libc, int in, int out) {
        int capacity = libc.fcntl(in, Linux.F_SETPIPE_SZ, WANTED);
        if (capacity < 0) { // EPERM: more than the user may have; it stays as it is
            capacity = libc.fcntl(in, Linux.F_GETPIPE_SZ, 0);
        }
        Pipe pipe = new Pipe(libc, in, out, capacity);
        if (capacity < LEAST) {
            pipe.close();
            return null;
        }
        return pipe;
    }

    /** How many bytes are in it. */
    public int size() {
        return size;
    }

    /** How many bytes it holds at most. Fewer if they come in small pieces, each of which takes a slot of a page. */
    int capacity() {
        return capacity;
    }

    /**
     * Takes bytes out of a descriptor, while empty.
     *
     * @return how many, 0 at the end of the stream, or minus errno
     */
    public long fill(int from, long most) {
        if (size > 0) {
            throw new IllegalStateException("the pipe has " + size + " bytes in it");
        }
        long result;
        do {
            result = libc.splice(from, 0, in, 0, Math.min(most, capacity), FLAGS);
        } while (result == -Errno.EINTR);
        if (result > 0) {
            size = (int) result;
        }
        return result;
    }

    /**
     * Puts bytes into a descriptor.
     *
     * @return how many, or minus errno
     */
    public long empty(int into) {
        long result;
        do {
            result = libc.splice(out, 0, into, 0, size, FLAGS);
        } while (result == -Errno.EINTR);
        if (result > 0) {
            size -= (int) result;
        }
        return result;
    }

    /** Copies bytes out of it, for a descriptor that cannot be spliced to; as {@link #empty}. */
    public long read(long address, int most) {
        long result;
        do {
            result = libc.read(out, address, Math.min(most, size));
        } while (result == -Errno.EINTR);
        if (result > 0) {
            size -= (int) result;
        }
        return result;
    }

    /** Gives its two descriptors back, and drops what is in it. */
    @Override
    public void close() {
        libc.close(in);
        libc.close(out);
    }

    @Override
    public String toString() {
        return "pipe with " + size + " of " + capacity + " bytes";
    }
}
