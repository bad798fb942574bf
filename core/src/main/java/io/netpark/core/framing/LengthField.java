package io.netpark.core.framing;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Messages that say in front how long they are. Immutable: each method returns another framing.
 *
 * <pre>
 *   | {@link #offset} bytes | length, width bytes | message: length + {@link #adjustment} bytes |
 *   `---------- the header, handed on if {@link #headerKept} ----------'
 * </pre>
 *
 * A length is unsigned.
 *
 * @see Framing#lengthField
 */
public final class LengthField implements Framing {

    private final int width;
    private final int limit;
    private final boolean littleEndian;
    private final int offset;
    private final int adjustment;
    private final boolean headerKept;

    LengthField(int width, int limit) {
        this(checkedWidth(width), Limit.positive(limit, "limit of a message"), false, 0, 0, false);
    }

    private LengthField(int width, int limit, boolean littleEndian, int offset, int adjustment, boolean headerKept) {
        if ((long) offset + width + limit > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a message with its header has at most " + Integer.MAX_VALUE + " bytes, and not "
                    + offset + " + " + width + " + " + limit);
        }
        this.width = width;
        this.limit = limit;
        this.littleEndian = littleEndian;
        this.offset = offset;
        this.adjustment = adjustment;
        this.headerKept = headerKept;
    }

    private static int checkedWidth(int width) {
        if (width < 1 || width > 4 && width != 8) {
            throw new IllegalArgumentException("a length has 1, 2, 3, 4 or 8 bytes, not " + width);
        }
        return width;
    }

    /** The length has its least byte first. */
    public LengthField littleEndian() {
        return new LengthField(width, limit, true, offset, adjustment, headerKept);
    }

    /** So many bytes come before the length: a type, say. The default is none. */
    public LengthField offset(int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("an offset cannot be negative: " + bytes);
        }
        return new LengthField(width, limit, littleEndian, bytes, adjustment, headerKept);
    }

    /**
     * The message has so many bytes more than its length says, or fewer if this is negative. The default is 0. A length that counts
     * itself as well needs {@code adjustment(-width)}, a length that counts all of its header {@code adjustment(-offset - width)}.
     */
    public LengthField adjustment(int bytes) {
        return new LengthField(width, limit, littleEndian, offset, bytes, headerKept);
    }

    /** What comes before the message is handed on with it. The default is to skip that. */
    public LengthField headerKept() {
        return new LengthField(width, limit, littleEndian, offset, adjustment, true);
    }

    @Override
    public int longest() {
        return offset + width + limit;
    }

    @Override
    public @Nullable ByteBuffer take(BufferReader in) throws NetparkException.LimitExceeded {
        int header = offset + width;
        if (in.available() < header) {
            return null;
        }
        long length = length(in);
        long message = length + adjustment;
        if (length < 0 || message < 0 || message > limit) {
            throw new NetparkException.LimitExceeded("a message has the length " + Long.toUnsignedString(length)
                    + (adjustment == 0 ? "" : ", adjusted by " + adjustment) + ": allowed are 0 to " + limit
                    + " bytes; raise the limit, or the peer speaks another protocol");
        }
        if (in.available() < header + message) {
            return null;
        }
        if (headerKept) {
            return in.next((int) (header + message));
        }
        in.skip(header);
        return in.next((int) message);
    }

    /** Negative for one of 8 bytes that is beyond all limits. */
    private long length(BufferReader in) {
        long length = 0;
        for (int i = 0; i < width; i++) {
            int at = littleEndian ? width - 1 - i : i;
            length = length << 8 | in.getByte(offset + at) & 0xFF;
        }
        return length;
    }
}
