package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import org.jspecify.annotations.Nullable;

/**
 * What a copy from one stream to another does with the two: bytes go from socket to pipe and from pipe to socket by splice(2), or
 * through a segment where that is cheaper. These are operations of the streams like any other: each is started, and retried after it
 * was parked.
 *
 * <p>For Netpark's own copies, in the room of transfers.
 */
public final class Splicing {

    /** Returned by a splice that the kernel does not do with this kind of descriptor: nothing has moved, and the operation has ended. */
    public static final int NOT_SPLICED = -3;

    private Splicing() {}

    /**
     * Moves what there is to read into an empty pipe, at most {@code most} bytes.
     *
     * @param retry whether this goes on with a splice, or with another read, that was parked
     * @return the number of bytes, at least 1; {@link ByteInput#END_OF_STREAM}; {@link ByteInput#PARK}; or {@link #NOT_SPLICED}
     */
    public static int fill(ByteInput source, boolean retry, Pipe into, long most) throws NetparkException {
        return retry ? source.retrySplice(into, most) : source.startSplice(into, most);
    }

    /**
     * Moves everything that is in a pipe to a stream. In the midst of it, nobody else writes to the stream: if this fails or is
     * abandoned there, the stream's output is cut off.
     *
     * @return 0 when the pipe is empty, {@link ByteOutput#PARK}, or {@link #NOT_SPLICED}
     */
    public static int empty(ByteOutput target, boolean retry, Pipe from) throws NetparkException {
        return retry ? target.retrySplice(from) : target.startSplice(from);
    }

    /** As the other, of what is in segments: it is written as {@link ByteOutput#startWrite(LinkBuffer)} does. */
    public static int empty(ByteOutput target, boolean retry, LinkBuffer from) throws NetparkException {
        return target.emptyWhole(from, retry);
    }

    /**
     * Reads what there is into a chain of segments, as {@link ByteInput#startRead(LinkBuffer)} does.
     *
     * @param most bytes that are read at most; more than 0
     */
    public static int read(ByteInput source, boolean retry, LinkBuffer into, long most) throws NetparkException {
        return retry ? source.retryRead(into, most) : source.startRead(into, most);
    }

    /**
     * Why there is nothing more to read, though nobody reads; null if there may be more, or the peer has ended its output. What the
     * peer has sent before that end is there to be read, whatever came after it. No system call unless the poller has told of an end.
     */
    public static @Nullable NetparkException endOfInput(StreamEnds source) {
        return source.endOfInput();
    }
}
