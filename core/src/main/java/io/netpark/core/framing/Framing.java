package io.netpark.core.framing;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Finds where a message ends in a stream of bytes. A framing keeps nothing between two calls, so one of them serves any number of
 * connections and threads at a time; the bytes of a message that has not come whole stay in the reader.
 *
 * <p>A protocol with rules of its own implements this interface.
 */
public interface Framing {

    /**
     * Takes the next whole message. A message within one segment is handed on as a view of it; a message across two segments is copied once, as by
     * {@link BufferReader#next}; the view is valid until {@link BufferReader#release}.
     *
     * @return from position to limit, the message as it is handed on; null if its end has not come, and then nothing has been taken
     * @throws NetparkException.LimitExceeded if the message is longer than allowed, also if only its beginning has come, or if its
     *     length makes no sense; nothing has been taken, and the stream cannot be understood from there on
     */
    @Nullable ByteBuffer take(BufferReader in) throws NetparkException.LimitExceeded;

    /**
     * The most bytes that must be there before {@link #take} either returns a message or throws: those of the longest message with
     * its header and its end. A reader has to have room for them.
     */
    int longest();

    /**
     * Messages that begin with their length: big-endian, in bytes, of what comes after it. {@link LengthField} has methods for all
     * other kinds.
     *
     * @param width of the length, in bytes: 1, 2, 3, 4 or 8
     * @param limit the most bytes that a message may have, without what comes before it
     */
    static LengthField lengthField(int width, int limit) {
        return new LengthField(width, limit);
    }

    /**
     * Messages that end with a sequence of bytes, which is not handed on; see {@link Delimiter#kept}.
     *
     * @param delimiter at least one byte
     * @param limit the most bytes that a message may have, without the delimiter
     */
    static Delimiter delimiter(byte[] delimiter, int limit) {
        return new Delimiter(delimiter, limit);
    }

    /**
     * Lines that end with LF or CRLF, which is not handed on.
     *
     * @param limit the most bytes that a line may have, without its end
     */
    static Framing lines(int limit) {
        return new Lines(limit);
    }

    /** Messages that all have the same number of bytes, at least one. */
    static Framing fixedLength(int length) {
        return new FixedLength(length);
    }
}
