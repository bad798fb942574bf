package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/** The reading end of an {@link OwnedBuffer}: each call is a use. */
final class GuardedReader implements BufferReader {

    private final OwnedBuffer owned;

    GuardedReader(OwnedBuffer owned) {
        this.owned = owned;
    }

    @Override
    public long available() {
        return owned.size();
    }

    @Override
    public ByteBuffer next(int count) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.next(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public ByteBuffer peek(int count) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.peek(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void skip(long count) {
        LinkBuffer buffer = owned.enter();
        try {
            buffer.skip(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void release() {
        LinkBuffer buffer = owned.enter();
        try {
            buffer.release();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public byte getByte(long offset) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.getByte(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int getInt(long offset) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.getInt(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public byte readByte() {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readByte();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public short readShort() {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readShort();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int readInt() {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readInt();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public long readLong() {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readLong();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public long indexOf(byte delimiter) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.indexOf(delimiter);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public long indexOf(byte[] delimiter) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.indexOf(delimiter);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public @Nullable String readLine(int limit) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readLine(limit);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public byte[] readBytes(int count) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readBytes(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int read(ByteBuffer target) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.read(target);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public String readString(int count) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readString(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public String readString(int count, Charset charset) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.readString(count, charset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public LinkBuffer slice(long count) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.slice(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public ReadableByteChannel asReadableChannel() {
        return new BufferStreams.Source(this);
    }

    @Override
    public InputStream asInputStream() {
        return new BufferStreams.Input(this);
    }

    @Override
    public String toString() {
        return "buffer of " + owned.size() + " bytes";
    }
}
