package io.netpark.core.net.frames;

import io.netpark.core.fd.Descriptor;

/**
 * Another write, which takes its turn among the frames of a {@link FrameQueue}: it begins when the frames have been written that were
 * submitted before it.
 *
 * <p>For Netpark's own adapters.
 */
public abstract class FrameTurn extends Frame {

    /** A turn, to be submitted. */
    protected FrameTurn() {
        super(null);
    }

    /**
     * The turn has come: the write lock of the stream is {@linkplain Descriptor#reserve reserved} for it. On the loop.
     *
     * @return false if the turn is not wanted any more
     */
    protected abstract boolean begin();

    /** The turn will not begin, because of this. On the loop, unless the loop has ended: then on any thread. */
    @Override
    @SuppressWarnings("NullAway") // null says that bytes have been written, and this has none
    protected abstract void ended(Exception failure);
}
