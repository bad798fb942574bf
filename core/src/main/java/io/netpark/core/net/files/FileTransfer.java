package io.netpark.core.net.files;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * A part of a file on its way into a stream, and how far it has got. An {@link OpenFile}, or a path, is sent by sendfile(2):
 * the bytes go from the kernel's page cache to the socket and never come here. The bytes of a {@link FileChannel} are copied
 * through native memory, 64 KiB at a time, because the JDK keeps its descriptor to itself.
 *
 * <p>Where the kernel does not do it for this file ({@link io.netpark.core.sys.Errno#isNotHere} of the first call), the bytes of an
 * OpenFile are copied too.
 *
 * <p>How much is sent is settled when it is made. A file that has been cut off by the time its bytes are read fails the
 * transfer with {@link NetparkException.Truncated}; a file that grows does not make the transfer longer. Bytes that change meanwhile are
 * sent as they are when their turn comes, or even later: the kernel sends, and resends, from the pages of the file.
 *
 * <p>Threads: one sends it; any may ask for {@link #sent}. Ownership: it is the caller's to close, which closes the file if
 * the transfer was made {@linkplain #open from a path}.
 */
public abstract sealed class FileTransfer implements AutoCloseable permits KernelTransfer, CopyingTransfer {

    /** As a count: everything from the offset to the end of the file. */
    public static final long REST = -1;

    /** Where no loop waits for the thread. */
    private static final int BYTES_A_CALL = 1 << 30;

    private final long offset;
    private final long count;
    private volatile long sent;

    FileTransfer(long offset, long count) {
        this.offset = offset;
        this.count = count;
    }

    /**
     * A part of an open file, which others may be sending as well and which stays the caller's to close.
     *
     * @param offset of the first byte
     * @param count how many, or {@link #REST}
     * @throws IllegalArgumentException if offset or count is negative, or the offset is beyond the end
     * @throws NetparkException.Truncated if the file has fewer bytes
     */
    public static FileTransfer of(OpenFile file, long offset, long count) throws IOException {
        return new KernelTransfer(file, false, offset, count(file.toString(), file.size(), offset, count));
    }

    /** As {@link #of(OpenFile, long, long)}, of all of it. */
    public static FileTransfer of(OpenFile file) throws IOException {
        return of(file, 0, REST);
    }

    /**
     * A part of the file that a channel reads, copied on its way. The channel stays the caller's, and where it is. A thread's
     * interrupt flag does not close it.
     *
     * @throws java.nio.channels.NonReadableChannelException if it was opened for writing only
     * @throws IllegalArgumentException if offset or count is negative, or the offset is beyond the end
     * @throws NetparkException.Truncated if the file has fewer bytes
     */
    public static FileTransfer of(FileChannel channel, long offset, long count) throws IOException {
        UninterruptedChannel reader = new UninterruptedChannel(channel);
        reader.read(ByteBuffer.allocate(0), 0); // throws if it was not opened for that
        return new CopyingTransfer(reader, offset, count("a file channel", reader.size(), offset, count));
    }

    /**
     * A part of the file of this name, which is opened now, and closed with the transfer.
     *
     * @throws IOException as {@link OpenFile#open}, and otherwise as {@link #of(OpenFile, long, long)}
     */
    public static FileTransfer open(Path path, long offset, long count) throws IOException {
        OpenFile file = OpenFile.open(path);
        try {
            return new KernelTransfer(file, true, offset, count(file.toString(), file.size(), offset, count));
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** As {@link #open(Path, long, long)}, of all of it. */
    public static FileTransfer open(Path path) throws IOException {
        return open(path, 0, REST);
    }

    private static long count(String file, long size, long offset, long count) throws NetparkException.Truncated {
        if (offset < 0 || count < REST) {
            throw new IllegalArgumentException("send " + file + ": " + count + " bytes from offset " + offset);
        }
        if (offset > size) {
            throw new IllegalArgumentException("send " + file + " from offset " + offset + ": it ends at " + size);
        }
        if (count == REST) {
            return size - offset;
        }
        if (count > size - offset) {
            throw new NetparkException.Truncated(
                    "send " + file + ": " + count + " bytes from offset " + offset + " were wanted, and it ends at " + size);
        }
        return count;
    }

    /** Where in the file it begins. */
    public final long offset() {
        return offset;
    }

    /** How many bytes are to be sent. */
    public final long count() {
        return count;
    }

    /** How many bytes the kernel has taken, which does not mean that the peer has read them. */
    public final long sent() {
        return sent;
    }

    /**
     * Sends some of what is left.
     *
     * @return how many bytes, at least 1; or minus errno
     * @throws IOException if the file cannot be read, or is shorter than it was
     */
    final long send(LibC libc, int socket, long most) throws IOException {
        long done = sent;
        int part = (int) Math.min(Math.min(count - done, most), BYTES_A_CALL);
        long result = move(libc, socket, offset + done, part);
        if (result == 0) {
            throw new NetparkException.Truncated(
                    "send " + this + ": the file has been cut off meanwhile and ends at " + (offset + done));
        }
        if (result > 0) {
            sent = done + result;
        }
        return result;
    }

    /**
     * Reads what comes next, and does not note it: that is {@link #took}.
     *
     * @param into outside the heap; at least one byte goes there
     * @param address of its index 0
     * @throws IOException if the file cannot be read, or is shorter than it was
     */
    final void load(LibC libc, ByteBuffer into, long address) throws IOException {
        long at = offset + sent;
        int read = read(libc, into, address, at, (int) Math.min(count - sent, into.remaining()));
        if (read == 0) {
            throw new NetparkException.Truncated("send " + this + ": the file has been cut off meanwhile and ends at " + at);
        }
        into.position(into.position() + read);
    }

    /** So many of the bytes that were loaded are on their way. */
    final void took(long bytes) {
        sent += bytes;
    }

    /** Reads some bytes, to the position of {@code into}, which stays. Returns how many; 0 at the end of the file. */
    abstract int read(LibC libc, ByteBuffer into, long address, long from, int most) throws IOException;

    /**
     * Moves some bytes, by one system call or two.
     *
     * @return how many; 0 at the end of the file; minus errno of the socket
     */
    abstract long move(LibC libc, int socket, long from, int most) throws IOException;

    /** The same failure, with how far this has got. */
    final NetparkException explain(NetparkException failure) {
        return NetparkException.like(failure, failure.getMessage() + "; it was sending " + this);
    }

    /** What is sent, for messages. */
    abstract String file();

    /** Closes the file, if it was opened for this transfer only. Calling it again has no effect. */
    @Override
    public abstract void close();

    /** Such as {@code /srv/a.iso (1048576 of 700000000 bytes sent, from offset 0)}. */
    @Override
    public final String toString() {
        return file() + " (" + sent + " of " + count + " bytes sent, from offset " + offset + ")";
    }
}
