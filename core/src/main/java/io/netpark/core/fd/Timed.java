package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.Due;
import org.jspecify.annotations.Nullable;

/** How long the operations of a {@link Descriptor} may take: a {@link TimeLimit} for each direction, made when first set. */
abstract sealed class Timed extends Watched permits Sequenced {

    /** Made under the monitor of {@link #error}, as is the other. */
    private volatile @Nullable TimeLimit readLimit;
    private volatile @Nullable TimeLimit writeLimit;

    Timed(EventLoop loop) {
        super(loop);
    }

    /** Whether {@link #close} has been called. */
    public abstract boolean isClosed();

    /** Whether an operation of a direction is in progress, parked or not. */
    abstract boolean isGoingOn(Direction direction);

    /**
     * Sets the instant after which operations of a direction fail, also an operation that is parked now. A past instant wakes it
     * at once; a later instant extends it, even if it has just been timed out and has not noticed yet.
     *
     * @param nanoTime an instant of the loop's clock
     */
    public final void setDeadline(Direction direction, long nanoTime) {
        wake(madeLimit(direction).setDeadline(nanoTime == TimeLimit.NONE ? 1 : nanoTime));
    }

    /** Takes the deadline of a direction away. An operation that it has ended stays ended. */
    public final void clearDeadline(Direction direction) {
        TimeLimit limit = limit(direction);
        if (limit != null) {
            limit.setDeadline(TimeLimit.NONE);
        }
    }

    /** The deadline of a direction, an instant of the loop's clock; 0 if there is none. */
    public final long deadline(Direction direction) {
        TimeLimit limit = limit(direction);
        return limit == null ? TimeLimit.NONE : limit.deadline();
    }

    /**
     * Sets how long each operation of a direction may wait without getting anywhere; then it fails. An operation that need not
     * wait is not concerned, and what a timeout has ended does not end later operations. There may be a deadline as well: the
     * earlier strikes. For an operation that is parked now the timeout counts from now.
     *
     * <p>Progress begins the time anew: each time an operation has got rid of some bytes and has to wait again; and when the
     * timeout is about to pass while the peer takes bytes that the kernel still holds. A slow peer is not timed out; a peer that has
     * stopped is, after once or twice as long as was set (okio's AsyncTimeout has a similar rule).
     *
     * @param nanos more than 0; {@link Due#FOREVER} or more for no timeout
     * @throws IllegalArgumentException if it is not positive
     */
    public final void setTimeout(Direction direction, long nanos) {
        Due.requirePositive(nanos);
        if (nanos < Due.FOREVER || limit(direction) != null) {
            madeLimit(direction).setTimeout(Math.min(nanos, Due.FOREVER));
        }
    }

    /** The timeout of a direction in nanoseconds; {@link Due#FOREVER} if there is none. */
    public final long timeoutNanos(Direction direction) {
        TimeLimit limit = limit(direction);
        return limit == null ? Due.FOREVER : limit.timeout();
    }

    /** Takes both directions' deadlines and timeouts away. */
    protected final void clearLimits() {
        for (Direction direction : Direction.BOTH) {
            TimeLimit limit = limit(direction);
            if (limit != null) {
                limit.setDeadline(TimeLimit.NONE);
                limit.setTimeout(Due.FOREVER);
            }
        }
    }

    /** The operation in progress has to wait, or has got somewhere: its timeout counts from now. */
    protected final void beginTime(Direction direction) {
        TimeLimit limit = limit(direction);
        if (limit != null) {
            limit.begin();
        }
    }

    /**
     * Asked when the timeout of an operation is about to pass, on the loop: whether the operation gets somewhere. An operation
     * that is not parked has been woken, and is on its way.
     */
    final boolean getsSomewhere(Direction direction) {
        return isGoingOn(direction)
                && (!slot(direction).isOccupied() || direction == Direction.WRITE && goesOnWithoutUs());
    }

    /** Asked when the timeout of a parked write is about to pass: whether it gets somewhere, though not by a system call of ours. */
    protected boolean goesOnWithoutUs() {
        return false;
    }

    final @Nullable TimeLimit limit(Direction direction) {
        return direction == Direction.READ ? readLimit : writeLimit;
    }

    private TimeLimit madeLimit(Direction direction) {
        TimeLimit limit = limit(direction);
        return limit != null ? limit : makeLimit(direction);
    }

    private TimeLimit makeLimit(Direction direction) {
        synchronized (error) {
            TimeLimit limit = limit(direction);
            if (limit == null) {
                limit = new TimeLimit(this, direction);
                if (isClosed()) {
                    limit.close();
                }
                if (direction == Direction.READ) {
                    readLimit = limit;
                } else {
                    writeLimit = limit;
                }
            }
            return limit;
        }
    }

    /** The descriptor is gone: its timers must not keep it reachable. Whoever makes one from now on finds that it is closed. */
    final void closeLimits() {
        TimeLimit ofReads;
        TimeLimit ofWrites;
        synchronized (error) {
            ofReads = readLimit;
            ofWrites = writeLimit;
        }
        if (ofReads != null) {
            ofReads.close();
        }
        if (ofWrites != null) {
            ofWrites.close();
        }
    }
}
