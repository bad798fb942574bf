package io.netpark.blocking;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/** A connection as the JDK's channel. */
record ConnectionChannel(BlockingConnection connection) implements ByteChannel {

    @Override
    public int read(ByteBuffer target) throws IOException {
        return connection.read(target);
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
        int count = source.remaining();
        connection.write(source);
        return count;
    }

    @Override
    public boolean isOpen() {
        return !connection.isClosed();
    }

    @Override
    public void close() {
        connection.close();
    }
}
