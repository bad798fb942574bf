package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.files.FileCalls;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.scratch.Vector;
import io.netpark.core.net.secure.Plaintext;
import io.netpark.core.net.secure.SecureStream;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/**
 * What kinds of things that are written to a {@link ByteOutput} differ in; {@link ByteOutput#write} has what they have in common.
 * Without state.
 *
 * @param <A> what is written
 * @param <X> why it may fail, besides the stream
 */
abstract class Output<A, X extends IOException> {

    /** Whether there is any of it left to be written. */
    abstract boolean hasMore(A source);

    /** How many bytes of it are left to be written. With TLS, bytes in records that the socket has not taken are not. */
    abstract long left(A source);

    /**
     * Makes one system call, and notes in the source how much of it the kernel has taken.
     *
     * @param most bytes that it may move
     * @return how many it has moved, or minus errno
     */
    abstract long send(ByteOutput stream, A source, long most) throws X;

    /**
     * With TLS, in place of {@link #send}: makes some records, and sends them.
     *
     * @return as {@link SecureStream#write}
     */
    abstract long seal(ByteOutput stream, SecureStream secure, A source) throws X, SSLException;

    /**
     * The kernel takes no more, and will not.
     *
     * @return what the write returns, if that is not a failure of the stream
     */
    int refused(ByteOutput stream, int errno) throws NetparkException {
        throw stream.writeFailure(errno);
    }

    /** Of bytes that are in memory already. */
    private abstract static class OfMemory<A> extends Output<A, NetparkException> implements Plaintext<A> {

        @Override
        public abstract boolean hasMore(A source);

        @Override
        final long seal(ByteOutput stream, SecureStream secure, A source) throws SSLException {
            return secure.write(stream.wire(), this, source);
        }
    }

    static final OfMemory<ByteBuffer> OF_BUFFER = new OfMemory<>() {
        @Override
        public boolean hasMore(ByteBuffer source) {
            return source.hasRemaining();
        }

        @Override
        long left(ByteBuffer source) {
            return source.remaining();
        }

        @Override
        long send(ByteOutput stream, ByteBuffer source, long most) {
            int position = source.position();
            int length = (int) Math.min(most, source.remaining());
            long sent;
            if (source.isDirect()) {
                sent = stream.send(stream.address(source) + position, length);
                Reference.reachabilityFence(source);
            } else {
                sent = sendThroughScratch(stream, source, position, Math.min(length, Scratch.CAPACITY));
            }
            if (sent > 0) {
                source.position(position + (int) sent);
            }
            return sent;
        }

        @Override
        public SSLEngineResult seal(ByteBuffer source, SSLEngine engine, ByteBuffer scratch, ByteBuffer record)
                throws SSLException {
            return engine.wrap(source, record);
        }

        private long sendThroughScratch(ByteOutput stream, ByteBuffer source, int position, int length) {
            Scratch scratch = Scratch.take();
            try {
                scratch.memory().put(Scratch.BYTES, source, position, length);
                return stream.send(scratch.address(Scratch.BYTES), length);
            } finally {
                scratch.giveBack();
            }
        }
    };

    static final OfMemory<ByteBuffer[]> OF_BUFFERS = new OfMemory<>() {
        @Override
        public boolean hasMore(ByteBuffer[] sources) {
            for (ByteBuffer source : sources) {
                if (source.hasRemaining()) {
                    return true;
                }
            }
            return false;
        }

        @Override
        long left(ByteBuffer[] sources) {
            long left = 0;
            for (ByteBuffer source : sources) {
                left += source.remaining();
            }
            return left;
        }

        @Override
        long send(ByteOutput stream, ByteBuffer[] sources, long most) {
            Vector vector = Vector.take();
            try {
                vector.fillForWriting(sources, most);
                long sent = stream.send(vector);
                if (sent > 0) {
                    vector.advanceAfterWriting(sources, sent);
                }
                return sent;
            } finally {
                vector.giveBack();
                Reference.reachabilityFence(sources);
            }
        }

        @Override
        public SSLEngineResult seal(ByteBuffer[] sources, SSLEngine engine, ByteBuffer scratch, ByteBuffer record)
                throws SSLException {
            return engine.wrap(sources, record);
        }
    };

    static final OfMemory<LinkBuffer> OF_CHAIN = new OfMemory<>() {
        @Override
        public boolean hasMore(LinkBuffer source) {
            return source.available() > 0;
        }

        @Override
        long left(LinkBuffer source) {
            return source.available();
        }

        @Override
        long send(ByteOutput stream, LinkBuffer source, long most) {
            long sent = stream.sendFirst(source, most);
            if (sent > 0) {
                source.skip(sent);
            }
            return sent;
        }

        /** A copy, as segments are shared and have no position of their own; so small parts make one record. */
        @Override
        public SSLEngineResult seal(LinkBuffer source, SSLEngine engine, ByteBuffer scratch, ByteBuffer record)
                throws SSLException {
            source.copyTo(scratch);
            SSLEngineResult result = engine.wrap(scratch.flip(), record);
            source.skip(result.bytesConsumed());
            return result;
        }
    };

    static final Output<FileTransfer, IOException> OF_FILE = new Output<>() {
        @Override
        boolean hasMore(FileTransfer source) {
            return source.sent() < source.count();
        }

        @Override
        long left(FileTransfer source) {
            return source.count() - source.sent();
        }

        @Override
        long send(ByteOutput stream, FileTransfer source, long most) throws IOException {
            return stream.send(source, most);
        }

        /** What one send can hold is read first, where nobody waits but the caller: a disk may take its time. */
        @Override
        long seal(ByteOutput stream, SecureStream secure, FileTransfer source) throws IOException {
            int flushed = secure.flush(stream.wire());
            if (flushed < 0 || !hasMore(source)) {
                return flushed;
            }
            Scratch memory = Scratch.take();
            try {
                ByteBuffer bytes = memory.bytes(Scratch.CAPACITY);
                stream.load(source, bytes, memory.address(Scratch.BYTES));
                bytes.flip();
                try {
                    return secure.write(stream.wire(), OF_BUFFER, bytes);
                } finally {
                    FileCalls.took(source, bytes.position());
                }
            } finally {
                memory.giveBack();
            }
        }
    };

    static final Output<Pipe, NetparkException> OF_PIPE = new Output<>() {
        @Override
        boolean hasMore(Pipe source) {
            return source.size() > 0;
        }

        @Override
        long left(Pipe source) {
            return source.size();
        }

        @Override
        long send(ByteOutput stream, Pipe source, long most) {
            return stream.send(source); // which holds no more than a turn's bytes
        }

        @Override
        long seal(ByteOutput stream, SecureStream secure, Pipe source) {
            throw new AssertionError("what is encrypted is not spliced");
        }

        @Override
        int refused(ByteOutput stream, int errno) throws NetparkException {
            return Errno.isNotHere(-errno) ? Splicing.NOT_SPLICED : super.refused(stream, errno);
        }
    };
}
