package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/**
 * Takes bytes that are there, in order. No method waits: a method that needs more bytes than there are says so, and has taken none.
 *
 * <p><b>Views.</b> {@link #next}, {@link #peek} and {@link #takeUntil} return views of the memory that the bytes lie in:
 * nothing is copied, unless they lie across two segments; then they are copied once. A view's bytes run from its position
 * to its limit, not from index 0, and it is valid until {@link #release}: afterwards it is empty,
 * until it is handed out again for other bytes. Do not keep it, and still less a duplicate or slice of it: the memory may then
 * be another connection's, or gone, which can end the process. The memory of bytes without a view is given back as soon as they
 * are taken.
 *
 * <p><b>A connection's reader</b> has nothing any more when the connection has been closed, by this thread or another. Then whatever takes
 * or looks at a byte throws what a read of the connection would: {@link NetparkException.Closed}, or the timeout that has closed it. No
 * method declares that, as readers of memory never throw it; whoever awaits bytes handles it already. (While a handler of Kotlin runs, the
 * reader keeps what it has, and the writer collects, until the handler has ended.)
 *
 * <p>NOT thread safe: whoever the bytes belong to takes them. Numbers are signed and big-endian; a name with {@code Unsigned} or
 * {@code Le} (little-endian, the least byte first) says otherwise.
 */
public interface BufferReader {

    /** How many bytes there are. */
    long available();

    /** How many more bytes must come until there are {@code count}; 0 if they are there. */
    default long missing(long count) {
        return Math.max(0, count - available());
    }

    /**
     * Takes the next {@code count} bytes, as a view.
     *
     * @throws IndexOutOfBoundsException if there are fewer, or count is negative
     */
    ByteBuffer next(int count);

    /**
     * The next {@code count} bytes as a view, without taking them.
     *
     * @throws IndexOutOfBoundsException if there are fewer, or count is negative
     */
    ByteBuffer peek(int count);

    /**
     * Takes bytes and forgets them.
     *
     * @throws IndexOutOfBoundsException if there are fewer, or count is negative
     */
    void skip(long count);

    /**
     * Ends the validity of all views, and gives back the memory that they have kept. Costs nothing if there are none.
     */
    void release();

    // Numbers that stay. Each throws IndexOutOfBoundsException if there are too few bytes.

    /** The byte at a distance from the next one, not taken. */
    byte getByte(long offset);

    /** The short at a distance from the next byte, not taken. */
    short getShort(long offset);

    /** The int at a distance from the next byte, not taken: a frame's length, say. */
    int getInt(long offset);

    /** The long at a distance from the next byte, not taken. */
    long getLong(long offset);

    // Numbers that are taken. Each throws IndexOutOfBoundsException if there are too few bytes, and has taken none then.

    /** Takes a byte. */
    byte takeByte();

    /** Takes a byte that is 0 to 255. */
    default int takeUnsignedByte() {
        return Byte.toUnsignedInt(takeByte());
    }

    /** Takes two bytes. */
    short takeShort();

    /** Takes two bytes, the least first. */
    default short takeShortLe() {
        return Short.reverseBytes(takeShort());
    }

    /** Takes two bytes that are 0 to 65,535. */
    default int takeUnsignedShort() {
        return Short.toUnsignedInt(takeShort());
    }

    /** Takes two bytes that are 0 to 65,535, the least first. */
    default int takeUnsignedShortLe() {
        return Short.toUnsignedInt(takeShortLe());
    }

    /** Takes four bytes. */
    int takeInt();

    /** Takes four bytes, the least first. */
    default int takeIntLe() {
        return Integer.reverseBytes(takeInt());
    }

    /** Takes four bytes that are 0 to 4,294,967,295. */
    default long takeUnsignedInt() {
        return Integer.toUnsignedLong(takeInt());
    }

    /** Takes four bytes that are 0 to 4,294,967,295, the least first. */
    default long takeUnsignedIntLe() {
        return Integer.toUnsignedLong(takeIntLe());
    }

    /** Takes eight bytes. */
    long takeLong();

    /** Takes eight bytes, the least first. */
    default long takeLongLe() {
        return Long.reverseBytes(takeLong());
    }

    // Delimiters. Where a search has ended in vain is remembered: the same search goes on there when more has come.

    /** Distance of the first such byte from the next byte; -1 if there is none yet. */
    long indexOf(byte delimiter);

    /** Distance of the first such sequence of at least one byte from the next byte; -1 if there is none yet. */
    long indexOf(byte[] delimiter);

    /**
     * Takes everything up to and with a delimiter, as a view, if the delimiter is there. Does not wait for it.
     *
     * @param limit the most bytes that it may have, with the delimiter
     * @return null if the delimiter is not there yet; nothing is taken then
     * @throws NetparkException.LimitExceeded if it is not among the first {@code limit} bytes; nothing is taken
     */
    default @Nullable ByteBuffer takeUntil(byte delimiter, int limit) throws NetparkException.LimitExceeded {
        long index = indexOf(delimiter);
        Delimited.check(index < 0 ? available() + 1 : index + 1, limit, delimiter);
        return index < 0 ? null : next((int) index + 1);
    }

    /** As {@link #takeUntil(byte, int)}, for a delimiter of several bytes. */
    default @Nullable ByteBuffer takeUntil(byte[] delimiter, int limit) throws NetparkException.LimitExceeded {
        long index = indexOf(delimiter);
        Delimited.check(index < 0 ? available() + 1 : index + delimiter.length, limit, "the delimiter");
        return index < 0 ? null : next((int) index + delimiter.length);
    }

    /**
     * Takes a line that ends with LF or CRLF, as UTF-8, if its end is there. Does not wait for it. Malformed input becomes U+FFFD.
     *
     * @param limit the most bytes that it may have, with its end
     * @return without its end; null if that is not there yet, and nothing is taken then
     * @throws NetparkException.LimitExceeded if the end is not among the first {@code limit} bytes; nothing is taken
     */
    @Nullable String takeLine(int limit) throws NetparkException.LimitExceeded;

    // Copies: they stay valid

    /**
     * Takes as many bytes as there are and {@code target} has room for, and advances its position by them.
     *
     * @return how many: 0 if there are none, or no room
     */
    int take(ByteBuffer target);

    /**
     * Takes {@code count} bytes into an array of their own.
     *
     * @throws IndexOutOfBoundsException if there are fewer, or count is negative
     */
    byte[] takeBytes(int count);

    /**
     * Takes {@code count} bytes as text in UTF-8. Malformed input becomes U+FFFD.
     *
     * @throws IndexOutOfBoundsException if there are fewer bytes, or count is negative
     */
    String takeString(int count);

    /** As {@link #takeString(int)}, in another encoding. */
    String takeString(int count, Charset charset);

    /**
     * Takes {@code count} bytes as a buffer of their own, which shares the memory: it can outlive this one, go to another thread, be
     * written elsewhere. Only parts of less than a kilobyte are copied.
     *
     * @return to be closed
     * @throws IndexOutOfBoundsException if there are fewer, or count is negative
     */
    LinkBuffer slice(long count);

    // For code that knows streams. They never wait either: after the last byte that is there they report the end, and more may come.

    /** The bytes that are there as a channel: a read returns -1 when there are none. Closing it has no effect. */
    ReadableByteChannel asReadableChannel();

    /** The bytes that are there as a stream: a read returns -1 when there are none. Closing it has no effect. */
    InputStream asInputStream();
}
