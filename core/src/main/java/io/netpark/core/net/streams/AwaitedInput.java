package io.netpark.core.net.streams;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.buffer.OwnedBuffer;
import io.netpark.core.framing.Framing;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What is awaited from the peer of a connection: how much may be asked for, whether a part of the input is there as a whole, and
 * which failure it is if the part is too long or its end never comes. The adapters wait; the rules are here:
 *
 * <pre>
 *   within the limit? --no--> LimitExceeded
 *     | yes
 *   is it whole? --yes--> taken
 *     | no, and it may still become so      ^
 *   the adapter reads once -----more--------+
 *     | end of stream
 *   nothing unread? --yes--> a clean end
 *     | no
 *   Truncated: the bytes stay unread
 * </pre>
 *
 * <p>How far a search for a delimiter has got is remembered by the buffer, see {@link BufferReader#indexOf(byte)}: asking again after
 * each read costs one look at every byte. No method waits, and none allocates unless it throws or returns text. What is thrown
 * {@linkplain NetparkException#isAbout is about} the connection.
 *
 * <p>For Netpark's own adapters.
 */
public class AwaitedInput {

    /** Unless told otherwise, the most bytes that a line may have, with its end. */
    public static final int LINE_LIMIT = 8 * 1024;

    /** A part of the input that has an end of its own. */
    public enum Part {
        LINE("a line"),
        DELIMITED("something that a delimiter should end"),
        MESSAGE("a message");

        private final String text;

        Part(String text) {
            this.text = text;
        }
    }

    private final ConnectionDescriptor connection;
    private final OwnedBuffer buffer;
    private final String setting;
    private volatile int limit;

    /**
     * @param buffer has the bytes that have come
     * @param limit the most bytes that may be awaited at once, or kept for views
     * @param setting what a user changes the limit by; for messages of exceptions
     */
    public AwaitedInput(ConnectionDescriptor connection, OwnedBuffer buffer, int limit, String setting) {
        this.connection = connection;
        this.buffer = buffer;
        this.setting = setting;
        this.limit = requirePositive(limit);
    }

    private static int requirePositive(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException("a limit must be positive, not " + limit);
        }
        return limit;
    }

    /** Sets the limit, on any thread. */
    public final void setLimit(int bytes) {
        limit = requirePositive(bytes);
    }

    /** Makes a failure one of the connection. */
    protected <E extends NetparkException> E about(E failure) {
        failure.setAbout(connection);
        return failure;
    }

    // How much may be awaited

    /** @throws NetparkException.LimitExceeded if {@code count} bytes are too many, or views keep too many */
    public final void requireWithinLimit(long count) throws NetparkException.LimitExceeded {
        if (count > limit) {
            throw about(tooMany(count, peer(), limit, setting));
        }
        requireViewsWithinLimit();
    }

    /** What is thrown if a count of bytes is over the limit. */
    public static NetparkException.LimitExceeded tooMany(long count, Object peer, int limit, String setting) {
        return new NetparkException.LimitExceeded("await " + count + " bytes from " + peer + ": the input limit is " + limit
                + " bytes; refuse what is longer, or raise " + setting);
    }

    /**
     * The limit of a call, which is never more than that of all input.
     *
     * @throws NetparkException.LimitExceeded if views keep too many bytes
     */
    public final int atMost(int limitOfCall) throws NetparkException.LimitExceeded {
        requireViewsWithinLimit();
        return Math.min(limitOfCall, limit);
    }

    /**
     * Checks before messages are awaited.
     *
     * @throws NetparkException.LimitExceeded if views keep too many bytes
     * @throws IllegalStateException if the longest message could never be there as a whole
     */
    public final void requireRoom(Framing framing) throws NetparkException.LimitExceeded {
        requireViewsWithinLimit();
        if (framing.longest() > limit) {
            throw noRoom(framing, limit, setting);
        }
    }

    /** What is thrown if the longest message is over the limit. */
    public static IllegalStateException noRoom(Framing framing, int limit, String setting) {
        return new IllegalStateException("a message may have " + framing.longest() + " bytes with its framing, and the input limit is "
                + limit + "; raise " + setting + ", or lower the limit of the framing");
    }

    private void requireViewsWithinLimit() throws NetparkException.LimitExceeded {
        if (buffer.heldBytes() > limit) {
            throw about(new NetparkException.LimitExceeded("read from " + peer() + ": " + buffer.heldBytes()
                    + " bytes are kept for views, and the input limit is " + limit
                    + "; call release() when views are not needed any more"));
        }
    }

    // Whether it is whole. Each takes it if it is, and throws LimitExceeded if it is too long or will be.

    /** The next line, without its end; null if its end has not come. */
    public final @Nullable String line(int limit) throws NetparkException.LimitExceeded {
        try {
            return buffer.reader().takeLine(limit);
        } catch (NetparkException.LimitExceeded e) {
            throw about(e);
        }
    }

    /** Whether {@link #line} would return one. Takes nothing. */
    public final boolean hasLine(int limit) throws NetparkException.LimitExceeded {
        long index = buffer.reader().indexOf((byte) '\n');
        if (index >= 0 && index < limit) {
            return true;
        }
        line(limit); // complains of what is too long, and takes nothing
        return false;
    }

    /** Everything up to and with the delimiter, as a view; null if the delimiter has not come. */
    public final @Nullable ByteBuffer until(byte delimiter, int limit) throws NetparkException.LimitExceeded {
        try {
            return buffer.reader().takeUntil(delimiter, limit);
        } catch (NetparkException.LimitExceeded e) {
            throw about(e);
        }
    }

    /** As the other, for a delimiter of several bytes. */
    public final @Nullable ByteBuffer until(byte[] delimiter, int limit) throws NetparkException.LimitExceeded {
        try {
            return buffer.reader().takeUntil(delimiter, limit);
        } catch (NetparkException.LimitExceeded e) {
            throw about(e);
        }
    }

    /** The next message, as a view; null if it has not come whole. */
    public final @Nullable ByteBuffer message(Framing framing) throws NetparkException.LimitExceeded {
        try {
            return framing.take(buffer.reader());
        } catch (NetparkException.LimitExceeded e) {
            throw about(e);
        }
    }

    // The stream has ended first

    /** What is thrown if the stream has ended before there were {@code count} bytes. */
    public final NetparkException.Truncated endedBefore(int count) {
        return about(new NetparkException.Truncated("read from " + peer() + ": the input ended after " + buffer.size() + " of " + count
                + " bytes"));
    }

    /** @throws NetparkException.Truncated if the stream has ended in the middle of {@code part}, not before its first byte */
    public final void requireCleanEnd(Part part) throws NetparkException.Truncated {
        if (buffer.size() > 0) {
            throw about(new NetparkException.Truncated("read from " + peer() + ": the input ended in the middle of " + part.text + ", "
                    + buffer.size() + " bytes into it"));
        }
    }

    private String peer() {
        return AddressText.of(connection.remoteAddress());
    }
}
