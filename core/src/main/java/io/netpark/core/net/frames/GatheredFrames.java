package io.netpark.core.net.frames;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ByteStream;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The frames that a {@link FrameQueue} has taken and that have not ended, with their bytes in one chain, and where each ends in all
 * that has been written. On the stream's loop.
 *
 * <pre>
 *                 whole           taken()                 accepted
 *   ... frame ... | a part of the first | the rest of it | others |
 *                                       `---- the chain ----------'
 * </pre>
 */
final class GatheredFrames {

    private final ByteStream stream;
    private final LinkBuffer output;
    private final ArrayDeque<Frame> frames = new ArrayDeque<>();
    /** Where the last frame ends that has been appended. */
    private long accepted;
    /** Where the last frame ends that has been told of its end. */
    private long whole;

    GatheredFrames(ByteStream stream, LinkBuffer output) {
        this.stream = stream;
        this.output = output;
    }

    /** Takes a frame in: from here on it is told of its end, whatever happens. */
    void add(Frame frame) {
        frames.add(frame);
    }

    /** Appends the bytes of the frame that was added last. A frame that was withdrawn, or is too large, ends at once. */
    void append(Frame frame) {
        NetparkException.LimitExceeded refused = null;
        if (!frame.isWithdrawn() && frame.bytes != null) {
            try {
                long length = frame.bytes.available();
                output.append(frame.bytes);
                frame.end = accepted += length;
                return;
            } catch (NetparkException.LimitExceeded e) {
                refused = e;
            }
        }
        frames.removeLast();
        end(frame, refused);
    }

    /** What is to be written: all bytes that have been appended and that the kernel has not taken. */
    LinkBuffer output() {
        return output;
    }

    boolean isEmpty() {
        return output.available() == 0;
    }

    /** How many bytes are gone in all: the kernel has them, or has them as soon as it has room. */
    long taken() {
        return accepted - output.available();
    }

    /** Whether no part of a frame is gone without its rest. */
    boolean isBetweenFrames() {
        long taken = taken();
        if (taken == whole) {
            return true;
        }
        for (Frame frame : frames) {
            if (frame.end >= taken) {
                return frame.end == taken;
            }
        }
        return false;
    }

    /**
     * Ends the frames that have been written.
     *
     * @param unsent how many of the bytes that are gone the kernel has not taken yet
     */
    void tellWritten(long unsent) {
        long written = taken() - unsent;
        for (Frame first; (first = frames.peek()) != null && first.end <= written; ) {
            frames.remove();
            whole = first.end;
            end(first, null);
        }
    }

    /** Ends all frames: those that are gone are on their way, and of the others nothing is. */
    void refuseAll(Exception why) {
        tellWritten(0);
        accepted -= output.available();
        output.skip(output.available());
        for (Frame frame; (frame = frames.poll()) != null; ) {
            end(frame, why);
        }
    }

    /** Ends all frames, as nothing more can be written. */
    void failAll(@Nullable Exception failure) {
        output.close();
        for (Frame frame; (frame = frames.poll()) != null; ) {
            end(frame, failure);
        }
    }

    /** Tells a frame of its end. Whatever the frame does, the others are told as well. */
    void end(Frame frame, @Nullable Exception failure) {
        try {
            if (frame.bytes != null) {
                frame.bytes.close();
            }
            frame.ended(failure);
        } catch (Throwable e) {
            stream.loop().report("The end of a frame for " + stream + " was told, and that threw", e);
        }
        EventLoop.leaveUserCode();
    }
}
