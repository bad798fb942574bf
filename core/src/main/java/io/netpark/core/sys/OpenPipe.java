package io.netpark.core.sys;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;

/**
 * The two ends of a pipe(2), each to be closed: what is written to the one can be read from the other.
 *
 * @param readEnd ends when the write end is closed and all is read
 * @param writeEnd fails when the read end is closed
 * @see OpenDescriptor#pipe
 */
public record OpenPipe(OpenDescriptor readEnd, OpenDescriptor writeEnd) implements AutoCloseable {

    static OpenPipe open(LibC libc) throws NetparkException {
        NativeMemory ends = NativeMemory.allocate(2 * Integer.BYTES);
        try (Unowned read = new Unowned(libc); Unowned write = new Unowned(libc)) {
            int result = libc.pipe2(ends.address(), Linux.O_NONBLOCK | Linux.O_CLOEXEC);
            if (result < 0) {
                throw NetparkException.of(-result, "pipe2");
            }
            read.hold(ends.buffer().getInt(0));
            write.hold(ends.buffer().getInt(Integer.BYTES));
            OpenPipe pipe = new OpenPipe(OpenDescriptor.of(libc, read.fd()), OpenDescriptor.of(libc, write.fd()));
            read.release();
            write.release();
            return pipe;
        }
    }

    /** Closes what is open of the two. */
    @Override
    public void close() {
        readEnd.close();
        writeEnd.close();
    }
}
