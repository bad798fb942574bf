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
        LinkBuffer buffer = owned.enterToTake(count);
        try {
            return buffer.next(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public ByteBuffer peek(int count) {
        LinkBuffer buffer = owned.enterToTake(count);
        try {
            return buffer.peek(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public void skip(long count) {
        LinkBuffer buffer = owned.enterToTake(count);
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
        LinkBuffer buffer = owned.enterToTake(Byte.BYTES);
        try {
            return buffer.getByte(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public short getShort(long offset) {
        LinkBuffer buffer = owned.enterToTake(Short.BYTES);
        try {
            return buffer.getShort(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int getInt(long offset) {
        LinkBuffer buffer = owned.enterToTake(Integer.BYTES);
        try {
            return buffer.getInt(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public long getLong(long offset) {
        LinkBuffer buffer = owned.enterToTake(Long.BYTES);
        try {
            return buffer.getLong(offset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public byte takeByte() {
        LinkBuffer buffer = owned.enterToTake(Byte.BYTES);
        try {
            return buffer.takeByte();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public short takeShort() {
        LinkBuffer buffer = owned.enterToTake(Short.BYTES);
        try {
            return buffer.takeShort();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int takeInt() {
        LinkBuffer buffer = owned.enterToTake(Integer.BYTES);
        try {
            return buffer.takeInt();
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public long takeLong() {
        LinkBuffer buffer = owned.enterToTake(Long.BYTES);
        try {
            return buffer.takeLong();
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
    public @Nullable String takeLine(int limit) throws NetparkException.LimitExceeded {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.takeLine(limit);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public byte[] takeBytes(int count) {
        LinkBuffer buffer = owned.enterToTake(count);
        try {
            return buffer.takeBytes(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public int take(ByteBuffer target) {
        LinkBuffer buffer = owned.enter();
        try {
            return buffer.take(target);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public String takeString(int count) {
        LinkBuffer buffer = owned.enterToTake(count);
        try {
            return buffer.takeString(count);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public String takeString(int count, Charset charset) {
        LinkBuffer buffer = owned.enterToTake(count);
        try {
            return buffer.takeString(count, charset);
        } finally {
            owned.exit(buffer);
        }
    }

    @Override
    public LinkBuffer slice(long count) {
        LinkBuffer buffer = owned.enterToTake(count);
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
