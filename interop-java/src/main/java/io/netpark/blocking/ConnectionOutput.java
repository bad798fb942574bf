package io.netpark.blocking;

import io.netpark.core.buffer.BufferWriter;
import java.io.IOException;
import java.io.OutputStream;

/** A connection as the JDK's stream of bytes that go out. */
final class ConnectionOutput extends OutputStream {

    private final BlockingConnection connection;
    private final BufferWriter writer;
    private boolean closed;

    ConnectionOutput(BlockingConnection connection) {
        this.connection = connection;
        this.writer = connection.writer();
    }

    @Override
    public void write(int value) throws IOException {
        writer.putByte(value);
        connection.flushIfFull();
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        writer.put(source, offset, length);
        connection.flushIfFull();
    }

    @Override
    public void flush() throws IOException {
        connection.flush();
    }

    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            try {
                connection.flush();
            } finally {
                connection.close();
            }
        }
    }
}
