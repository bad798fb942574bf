package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Objects;

/** A {@link BufferReader} and a {@link BufferWriter} as the JDK's streams and channels. */
final class BufferStreams {

    private BufferStreams() {}

    record Source(BufferReader buffer) implements ReadableByteChannel {
        @Override
        public int read(ByteBuffer target) {
            return buffer.available() == 0 && target.hasRemaining() ? -1 : buffer.take(target);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    record Sink(BufferWriter buffer) implements WritableByteChannel {
        @Override
        public int write(ByteBuffer source) throws NetparkException.LimitExceeded {
            int count = source.remaining();
            buffer.put(source);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    static final class Input extends InputStream {
        private final BufferReader buffer;

        Input(BufferReader buffer) {
            this.buffer = buffer;
        }

        @Override
        public int read() {
            return buffer.available() == 0 ? -1 : buffer.takeByte() & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, target.length);
            return buffer.available() == 0 && length > 0 ? -1 : buffer.take(ByteBuffer.wrap(target, offset, length));
        }

        @Override
        public long skip(long count) {
            long possible = Math.max(0, Math.min(count, buffer.available()));
            buffer.skip(possible);
            return possible;
        }

        @Override
        public int available() {
            return (int) Math.min(Integer.MAX_VALUE, buffer.available());
        }
    }

    static final class Output extends OutputStream {
        private final BufferWriter buffer;

        Output(BufferWriter buffer) {
            this.buffer = buffer;
        }

        @Override
        public void write(int value) throws NetparkException.LimitExceeded {
            buffer.putByte(value);
        }

        @Override
        public void write(byte[] source, int offset, int length) throws NetparkException.LimitExceeded {
            buffer.put(source, offset, length);
        }
    }
}
