package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/** The writing end of an {@link OwnedBuffer}: each call is a use. */
final class GuardedWriter implements BufferWriter {

    private final OwnedBuffer owned;

    GuardedWriter(OwnedBuffer owned) {
        this.owned = owned;
    }

    @Override
    public long buffered() {
        return owned.size();
    }

    @Override
    public ByteBuffer reserve(int count) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            return buffer.reserve(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void commit(int count) {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.commit(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void putByte(int value) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.putByte(value);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void putShort(int value) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.putShort(value);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void putInt(int value) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.putInt(value);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void putLong(long value) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.putLong(value);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void put(ByteBuffer source) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.put(source);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void put(byte[] source, int offset, int length) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.put(source, offset, length);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int putString(CharSequence text) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            return buffer.putString(text);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int putString(CharSequence text, Charset charset) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            return buffer.putString(text, charset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void link(ByteBuffer source, @Nullable Runnable released) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.link(source, released);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void append(LinkBuffer source) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enterToPut();
        try {
            buffer.append(source);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public WritableByteChannel asWritableChannel() {
        return new BufferStreams.Sink(this);
    }

    @Override
    public OutputStream asOutputStream() {
        return new BufferStreams.Output(this);
    }

    @Override
    public String toString() {
        return "buffer of " + owned.size() + " bytes";
    }
}
