package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/**
 * Collects bytes, in order. Never waits, and sends nothing: that is a flush of whoever owns the writer.
 *
 * <p>NOT thread safe. Numbers are big-endian unless named otherwise. Every method that needs memory throws
 * {@link NetparkException.LimitExceeded} when the buffer's limit or the pool's would be exceeded, and has then written
 * nothing of a number, and perhaps a part of anything longer.
 */
public interface BufferWriter {

    /** How many bytes have been written and not gone on yet. */
    long buffered();

    // In place

    /**
     * Room for {@code count} bytes in one piece, to be filled from the view's position on. Valid until {@link #commit},
     * or whatever else is written.
     */
    ByteBuffer reserve(int count) throws NetparkException.LimitExceeded;

    /**
     * Writes the first {@code count} bytes of the room that was {@linkplain #reserve reserved} last; the rest is not
     * written.
     *
     * @throws IllegalStateException if nothing has been reserved
     * @throws IndexOutOfBoundsException if it was less
     */
    void commit(int count);

    // Numbers

    /** Writes a byte: the lowest of the int. */
    void putByte(int value) throws NetparkException.LimitExceeded;

    /** Writes two bytes: the lowest of the int. */
    void putShort(int value) throws NetparkException.LimitExceeded;

    /** Writes two bytes, the least first. */
    default void putShortLe(int value) throws NetparkException.LimitExceeded {
        putShort(Short.reverseBytes((short) value));
    }

    /** Writes four bytes. */
    void putInt(int value) throws NetparkException.LimitExceeded;

    /** Writes four bytes, the least first. */
    default void putIntLe(int value) throws NetparkException.LimitExceeded {
        putInt(Integer.reverseBytes(value));
    }

    /** Writes eight bytes. */
    void putLong(long value) throws NetparkException.LimitExceeded;

    /** Writes eight bytes, the least first. */
    default void putLongLe(long value) throws NetparkException.LimitExceeded {
        putLong(Long.reverseBytes(value));
    }

    // Copies

    /** Writes a copy of all bytes from the buffer's position to its limit, and moves its position there. */
    void put(ByteBuffer source) throws NetparkException.LimitExceeded;

    /** Writes a copy of an array. */
    default void put(byte[] source) throws NetparkException.LimitExceeded {
        put(source, 0, source.length);
    }

    /** Writes a copy of a part of an array. */
    void put(byte[] source, int offset, int length) throws NetparkException.LimitExceeded;

    /**
     * Writes text in UTF-8, straight into the buffer. A lone surrogate becomes {@code ?}.
     *
     * @return how many bytes that were
     */
    int putString(CharSequence text) throws NetparkException.LimitExceeded;

    /** As {@link #putString(CharSequence)}, in another encoding, with its own replacement for what it cannot encode. */
    int putString(CharSequence text, Charset charset) throws NetparkException.LimitExceeded;

    // Without a copy

    /** As {@link #link(ByteBuffer, Runnable)}, for a buffer that nobody wants back. */
    default void link(ByteBuffer source) throws NetparkException.LimitExceeded {
        link(source, null);
    }

    /**
     * Writes the bytes from the buffer's position to its limit where they are. They must not change until they have gone
     * on; the caller's buffer object itself is not kept. Not for views of a {@link BufferReader}, which end with its release:
     * {@link #append} moves those bytes.
     *
     * @param released told when they are not needed any more: on the event loop that sent them, as a task, or on whatever
     *     thread gave up the last of them
     */
    void link(ByteBuffer source, @Nullable Runnable released) throws NetparkException.LimitExceeded;

    /** Moves everything that {@code source} holds here; it is empty then, and still its owner's. */
    void append(LinkBuffer source) throws NetparkException.LimitExceeded;

    // For code that knows streams

    /** As a channel, to which all bytes can always be written. Closing it has no effect. */
    WritableByteChannel asWritableChannel();

    /** As a stream. Flushing or closing it has no effect. */
    OutputStream asOutputStream();
}
