package io.netpark.core.net.frames;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * A frame on its way through a {@link FrameQueue}. Its sender extends this class to learn how the frame ends.
 *
 * <p>For Netpark's own adapters.
 */
public abstract class Frame {

    /** Null for a {@link FrameTurn}. */
    final @Nullable LinkBuffer bytes;
    /** The position in the output at which all of it has been written. The loop's thread only. */
    long end;
    private volatile boolean withdrawn;

    /** A frame of the bytes in a buffer, which is the frame's from now on. */
    protected Frame(@Nullable LinkBuffer bytes) {
        this.bytes = bytes;
    }

    /**
     * Wishes not to be written. Too late if the frame is on its way: it is written whole or not at all. A frame that is withdrawn
     * ends as any other.
     */
    public final void withdraw() {
        withdrawn = true;
    }

    final boolean isWithdrawn() {
        return withdrawn;
    }

    /**
     * The kernel has taken all of the frame, or the frame was withdrawn in time, or the stream has failed. On the loop, once, unless
     * the loop has ended: then on any thread.
     *
     * @param failure null if there was none. After a {@link NetparkException} of the stream nothing more can be written: a part of
     *     this or of an earlier frame may have reached the peer. After a deadline that had passed before the frame was begun, or if
     *     the frame was too large, nothing of this one has been written, and others can be
     */
    protected abstract void ended(@Nullable Exception failure);
}
