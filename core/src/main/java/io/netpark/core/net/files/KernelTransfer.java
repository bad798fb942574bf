package io.netpark.core.net.files;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;

/** By sendfile(2), or by pread(2) and send(2) where the kernel does not do that. */
final class KernelTransfer extends FileTransfer {

    private final OpenFile file;
    private final boolean owned;
    private boolean copying;

    KernelTransfer(OpenFile file, boolean owned, long offset, long count) {
        super(offset, count);
        this.file = file;
        this.owned = owned;
    }

    @Override
    long move(LibC libc, int socket, long from, int most) throws IOException {
        if (!copying) {
            long result = file.sendTo(libc, socket, from, most);
            if (result == -Errno.EIO) { // sendfile(2): it is the file's, no socket has it
                throw unreadable(from, Errno.EIO);
            }
            if (sent() > 0 || !Errno.isNotHere(result)) { // of a file system without a page cache, say
                return result;
            }
            copying = true;
        }
        return copy(libc, socket, from, Math.min(most, Scratch.CAPACITY));
    }

    /** What the socket does not take is read again: so nothing is kept while it waits. */
    private long copy(LibC libc, int socket, long from, int most) throws IOException {
        Scratch scratch = Scratch.take();
        try {
            long address = scratch.address(Scratch.BYTES);
            long read = file.read(libc, address, most, from);
            if (read < 0 && read != -Errno.EINTR) {
                throw unreadable(from, (int) -read);
            }
            return read <= 0 ? read : libc.send(socket, address, read, Linux.MSG_NOSIGNAL);
        } finally {
            scratch.giveBack();
        }
    }

    @Override
    int read(LibC libc, ByteBuffer into, long address, long from, int most) throws IOException {
        long read;
        do {
            read = file.read(libc, address + into.position(), most, from);
        } while (read == -Errno.EINTR);
        if (read < 0) {
            throw unreadable(from, (int) -read);
        }
        return (int) read;
    }

    private FileSystemException unreadable(long from, int errno) {
        return new FileSystemException(file.path().toString(), null, "read at " + from + ": " + Errno.describe(errno));
    }

    @Override
    String file() {
        return file.toString();
    }

    @Override
    public void close() {
        if (owned) {
            file.close();
        }
    }
}
