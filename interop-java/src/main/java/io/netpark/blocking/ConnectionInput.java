package io.netpark.blocking;

import io.netpark.core.buffer.BufferReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** A connection as the JDK's stream of bytes that come in. */
final class ConnectionInput extends InputStream {

    private final BlockingConnection connection;
    private final BufferReader reader;

    ConnectionInput(BlockingConnection connection) {
        this.connection = connection;
        this.reader = connection.reader();
    }

    @Override
    public int read() throws IOException {
        return connection.await(1) ? reader.takeByte() & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        return connection.read(target, offset, length);
    }

    @Override
    public int available() {
        return (int) Math.min(Integer.MAX_VALUE, reader.available());
    }

    @Override
    public void close() {
        connection.close();
    }
}
