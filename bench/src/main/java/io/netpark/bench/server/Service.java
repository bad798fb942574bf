package io.netpark.bench.server;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a server does with its connections; the same for each, so that they differ only in how they wait. A server
 * reads into a buffer of {@link #buffer} bytes and then writes what its {@link Reply} gives it until there is no more.
 */
public final class Service {

    /** What a server that copies a file reads at a time. */
    static final int COPIED_AT_A_TIME = 64 * 1024;

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Mode mode;
    private final int block;
    private final int buffer;
    /** Of a source. Shared by all connections; each has its own view. */
    private final ByteBuffer content;
    /** Shared by all connections, once somebody needs it. */
    private @Nullable FileChannel file;

    /**
     * A service.
     *
     * @param mode what is answered
     * @param block size of the blocks of a {@link Mode#SOURCE}, or of the file
     * @param buffer room for one read: more than a request, so that a read of all there is falls short
     */
    public Service(Mode mode, int block, int buffer) {
        this.mode = mode;
        this.block = block;
        this.buffer = buffer;
        this.content = mode == Mode.SOURCE ? ByteBuffer.allocateDirect(block).put(Block.bytes(block)).flip() : NOTHING;
    }

    public Mode mode() {
        return mode;
    }

    public int block() {
        return block;
    }

    public int buffer() {
        return buffer;
    }

    /** What is answered. */
    public enum Mode {
        /** The bytes that were read. */
        ECHO,
        /** Each message, a length of four bytes and its payload, parsed and written anew into another buffer. */
        FRAMES,
        /** As many blocks as the eight bytes read say, big-endian. */
        SOURCE,
        /** A page, over HTTP/1.1: to GET /plaintext a greeting, with the fields Server and Date. By servers of their own. */
        HTTP,
        /** {@link System#nanoTime} at the time the handler runs, eight bytes, big-endian. */
        STAMP,
        /** As many times a file of one block as the eight bytes read say, big-endian; sent by the kernel. */
        FILE,
        /** The same, copied as the library does it. */
        FILE_COPY,
        /** The same, read into a buffer on the heap and written from there. */
        FILE_HEAP;

        /** Whether files are sent. */
        boolean isOfFiles() {
            return this == FILE || this == FILE_COPY || this == FILE_HEAP;
        }
    }

    /** Answers on one connection. */
    public interface Reply {
        /**
         * The next buffer to write to its end, or null if the request is answered.
         *
         * @param request what was read, ready to be read; it belongs to the reply until this returns null
         */
        @Nullable ByteBuffer next(ByteBuffer request);
    }

    /** Opens a file of one block. It has lost its name when this returns, and goes with the last who has it open. */
    public <T> T openFile(Opening<T> opening) throws IOException {
        Path path = Files.createTempFile("netpark-bench", null);
        try {
            Files.write(path, Block.bytes(block));
            return opening.open(path);
        } finally {
            Files.delete(path);
        }
    }

    /** A way to open a file. */
    public interface Opening<T> {

        /** Opens it. */
        T open(Path path) throws IOException;
    }

    /** The reply of a new connection. An echo needs no state: all connections share it. */
    public Reply reply() {
        return switch (mode) {
            case ECHO, FRAMES -> Service::echo;
            case SOURCE -> new Source(content.duplicate());
            case STAMP -> new Stamp();
            case HTTP -> throw new IllegalArgumentException("HTTP is answered by servers of its own");
            case FILE_HEAP -> new Copy(file(), block);
            case FILE, FILE_COPY -> throw new IllegalArgumentException("files do not come from buffers");
        };
    }

    private synchronized FileChannel file() {
        FileChannel open = file;
        if (open == null) {
            try {
                open = openFile(FileChannel::open);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            file = open;
        }
        return open;
    }

    private static @Nullable ByteBuffer echo(ByteBuffer request) {
        return request.hasRemaining() ? request : null;
    }

    private static final class Source implements Reply {
        private final ByteBuffer block;
        private long left;

        Source(ByteBuffer block) {
            this.block = block;
        }

        @Override
        public @Nullable ByteBuffer next(ByteBuffer request) {
            if (request.remaining() >= Long.BYTES) {
                left += request.getLong();
            }
            if (left == 0) {
                return null;
            }
            left--;
            return block.clear();
        }
    }

    /** What is left of so many copies of a file, through a buffer of the connection's own. */
    private static final class Copy implements Reply {
        private final FileChannel file;
        private final int size;
        private final ByteBuffer buffer = ByteBuffer.allocate(COPIED_AT_A_TIME);
        private long left;

        Copy(FileChannel file, int size) {
            this.file = file;
            this.size = size;
        }

        @Override
        public @Nullable ByteBuffer next(ByteBuffer request) {
            if (request.remaining() >= Long.BYTES) {
                left += request.getLong() * size;
            }
            if (left == 0) {
                return null;
            }
            long from = (size - left % size) % size;
            buffer.clear().limit((int) Math.min(buffer.capacity(), size - from));
            try {
                while (buffer.hasRemaining()) {
                    if (file.read(buffer, from + buffer.position()) < 0) {
                        throw new EOFException("the file is shorter than " + size + " bytes");
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            left -= buffer.position();
            return buffer.flip();
        }
    }

    private static final class Stamp implements Reply {
        private final ByteBuffer stamp = ByteBuffer.allocateDirect(Long.BYTES);

        @Override
        public @Nullable ByteBuffer next(ByteBuffer request) {
            if (!request.hasRemaining()) {
                return null;
            }
            request.position(request.limit());
            return stamp.putLong(0, System.nanoTime()).clear();
        }
    }
}
