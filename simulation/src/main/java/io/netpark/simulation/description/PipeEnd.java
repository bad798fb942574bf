package io.netpark.simulation.description;

import io.netpark.core.sys.Errno;

/** One end of a {@link Pipe}. */
public final class PipeEnd extends Description {

    private final Pipe pipe;

    PipeEnd(Pipe pipe, int access, int flags) {
        super(access, flags);
        this.pipe = pipe;
    }

    /** Whether it is an end of the same pipe. */
    public boolean isOfSamePipe(PipeEnd other) {
        return pipe == other.pipe;
    }

    /** In bytes. */
    public int capacity() {
        return pipe.capacity();
    }

    /** F_SETPIPE_SZ. */
    public int resize(int bytes) {
        return pipe.resize(bytes);
    }

    /** How many bytes {@link #splice} takes. Fails if nobody will read them, or there is no room. */
    public int requireRoom() {
        pipe.requireReader();
        int room = pipe.room();
        if (room == 0) {
            throw new Failure(Errno.EAGAIN);
        }
        return room;
    }

    /** Adds what another descriptor had; there must be room. */
    public void splice(byte[] bytes, int length) {
        pipe.splice(bytes, length);
    }

    /** A copy of the first bytes; none at the end of the stream. */
    public byte[] peek(int most) {
        return pipe.peek(most);
    }

    /** Takes bytes away that have been seen by {@link #peek}. */
    public void drop(int count) {
        pipe.drop(count);
    }

    @Override
    public int readiness() {
        return pipe.readiness(this);
    }

    @Override
    public int read(IoVector into) {
        return pipe.read(into);
    }

    @Override
    public int write(IoVector from) {
        return pipe.write(from);
    }

    @Override
    protected void closed() {
        pipe.closed(this);
    }
}
