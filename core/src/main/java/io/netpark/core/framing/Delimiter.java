package io.netpark.core.framing;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Messages that end with a sequence of bytes. Immutable.
 *
 * @see Framing#delimiter
 */
public final class Delimiter implements Framing {

    private final byte[] delimiter;
    private final int limit;
    private final boolean kept;

    Delimiter(byte[] delimiter, int limit) {
        this(delimiter.clone(), Limit.positive(limit, "limit of a message"), false);
        Limit.positive(delimiter.length, "length of a delimiter");
    }

    private Delimiter(byte[] delimiter, int limit, boolean kept) {
        this.delimiter = delimiter;
        this.limit = limit;
        this.kept = kept;
    }

    /** The delimiter is handed on with the message. The default is to skip it. */
    public Delimiter kept() {
        return new Delimiter(delimiter, limit, true);
    }

    @Override
    public int longest() {
        return (int) Math.min(Integer.MAX_VALUE, (long) limit + delimiter.length);
    }

    @Override
    public @Nullable ByteBuffer take(BufferReader in) throws NetparkException.LimitExceeded {
        long index = in.indexOf(delimiter);
        if (index < 0) {
            Limit.check(in.available() - (delimiter.length - 1), limit, "a delimiter of a message");
            return null;
        }
        Limit.check(index, limit, "a delimiter of a message");
        if (kept) {
            return in.next((int) index + delimiter.length);
        }
        ByteBuffer message = in.next((int) index);
        in.skip(delimiter.length);
        return message;
    }
}
