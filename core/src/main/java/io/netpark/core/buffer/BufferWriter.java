package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/**
 * Collects bytes, in order. No method waits, or sends anything: that is a flush of whoever owns the writer.
 *
 * <p>NOT thread safe. Numbers are big-endian; a name with {@code Le} (little-endian, the least byte first) says otherwise. Whether
 * a number is signed makes no difference to its bytes. Every method that needs memory throws
 * {@link NetparkException.LimitExceeded} when the buffer's limit or the pool's would be exceeded, and has then put
 * nothing of a number, and perhaps a part of anything longer.
 *
 * <p><b>A connection's writer</b> takes nothing any more when the connection has been closed, by this thread or another: every method that
 * puts something throws what a write to the connection would, {@link NetparkException.Closed}, or the timeout that has closed it. Whoever
 * flushes handles that already, and so no method declares it.
 */
public interface BufferWriter {

    /** How many bytes have been put here and not gone on yet. */
    long buffered();

    // In place

    /**
     * Room for {@code count} bytes in one piece, to be filled from the view's position on. Valid until {@link #commit},
     * or until anything else is put.
     */
    ByteBuffer reserve(int count) throws NetparkException.LimitExceeded;

    /**
     * Puts the first {@code count} bytes of the room that was {@linkplain #reserve reserved} last; the rest is given up.
     *
     * @throws IllegalStateException if nothing has been reserved
     * @throws IndexOutOfBoundsException if it was less
     */
    void commit(int count);

    // Numbers

    /** Puts a byte: the lowest of the int. */
    void putByte(int value) throws NetparkException.LimitExceeded;

    /** Puts two bytes: the lowest of the int. */
    void putShort(int value) throws NetparkException.LimitExceeded;

    /** Puts two bytes, the least first. */
    default void putShortLe(int value) throws NetparkException.LimitExceeded {
        putShort(Short.reverseBytes((short) value));
    }

    /** Puts four bytes. */
    void putInt(int value) throws NetparkException.LimitExceeded;

    /** Puts four bytes, the least first. */
    default void putIntLe(int value) throws NetparkException.LimitExceeded {
        putInt(Integer.reverseBytes(value));
    }

    /** Puts eight bytes. */
    void putLong(long value) throws NetparkException.LimitExceeded;

    /** Puts eight bytes, the least first. */
    default void putLongLe(long value) throws NetparkException.LimitExceeded {
        putLong(Long.reverseBytes(value));
    }

    // Copies

    /** Puts a copy of all bytes from the buffer's position to its limit, and moves its position there. */
    void put(ByteBuffer source) throws NetparkException.LimitExceeded;

    /** Puts a copy of an array. */
    default void put(byte[] source) throws NetparkException.LimitExceeded {
        put(source, 0, source.length);
    }

    /** Puts a copy of a part of an array. */
    void put(byte[] source, int offset, int length) throws NetparkException.LimitExceeded;

    /**
     * Puts text in UTF-8, straight into the buffer. A lone surrogate becomes {@code ?}.
     *
     * @return how many bytes that were
     */
    int putString(CharSequence text) throws NetparkException.LimitExceeded;

    /** Puts the decimal digits of a number in ASCII, after a {@code -} if it is negative: {@code putString} of it, without the string. */
    default void putDecimal(long number) throws NetparkException.LimitExceeded {
        long rest = number < 0 ? number : -number; // negative, as there is one more of those
        int length = number < 0 ? 2 : 1;
        for (long left = rest / 10; left != 0; left /= 10) {
            length++;
        }
        ByteBuffer room = reserve(length);
        int first = room.position();
        for (int at = first + length - 1; at >= first; at--) {
            room.put(at, (byte) ('0' - rest % 10));
            rest /= 10;
        }
        if (number < 0) {
            room.put(first, (byte) '-');
        }
        commit(length);
    }

    /** As {@link #putString(CharSequence)}, in another encoding, with its own replacement for what it cannot encode. */
    int putString(CharSequence text, Charset charset) throws NetparkException.LimitExceeded;

    // Without a copy

    /** As {@link #link(ByteBuffer, Runnable)}, for a buffer that nobody wants back. */
    default void link(ByteBuffer source) throws NetparkException.LimitExceeded {
        link(source, null);
    }

    /**
     * Puts the bytes from the buffer's position to its limit without copying them: they stay where they are. They must not change until they have gone
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

    /** The writer as a channel, which takes all bytes of every write. Closing it has no effect. */
    WritableByteChannel asWritableChannel();

    /** The writer as a stream. Flushing or closing it has no effect. */
    OutputStream asOutputStream();
}
