package io.netpark.core.net.files;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A transfer from a file channel, whose descriptor the JDK keeps to itself: the bytes are copied. */
final class CopyingTransfer extends FileTransfer {

    private final UninterruptedChannel channel;

    CopyingTransfer(UninterruptedChannel channel, long offset, long count) {
        super(offset, count);
        this.channel = channel;
    }

    @Override
    long move(LibC libc, int socket, long from, int most) throws IOException {
        Scratch scratch = Scratch.take();
        try {
            ByteBuffer bytes = scratch.bytes(Math.min(most, Scratch.CAPACITY));
            int read = channel.read(bytes, from); // it deals with EINTR
            return read <= 0 ? 0 : libc.send(socket, scratch.address(Scratch.BYTES), read, Linux.MSG_NOSIGNAL);
        } finally {
            scratch.giveBack();
        }
    }

    @Override
    int read(LibC libc, ByteBuffer into, long address, long from, int most) throws IOException {
        return Math.max(0, channel.read(into.slice(into.position(), most), from));
    }

    @Override
    String file() {
        return "a file channel";
    }

    /** The channel is the caller's. */
    @Override
    public void close() {}
}
