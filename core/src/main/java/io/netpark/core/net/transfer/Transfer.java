package io.netpark.core.net.transfer;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Splicing;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * A copy from one connection to another: to the end of the stream, or so many bytes. They need not pass through this process:
 * {@link InTransit} splices a stream that is full, and copies a trickle.
 *
 * <pre>
 *   bytes ahead --written--> FILLING --bytes--> EMPTYING --all of them written--> FILLING
 *                            FILLING --end of the stream, or count--> ended
 *   any of these --failure, or cancel--> ended
 * </pre>
 *
 * <p>Filling is a read of the source and emptying a write of the target, each with lock, deadline and counters as any other, and
 * each over before the other begins. While it waits for bytes it holds neither pipe nor memory. It runs on the event loops of the
 * two, wherever it was woken, and never on two at a time; after {@value #BYTES_A_TURN} bytes others get their turn.
 *
 * <p>While it waits for room in the target nothing is read, and yet it ends when the source is closed or breaks ({@link SourceWatch}).
 * What it holds then is not written: it would not make the stream whole.
 *
 * <p>If it ends in the midst of what it has taken, the target's output is {@linkplain ConnectionDescriptor#isOutputCutOff cut off}.
 *
 * <p>A stream that breaks is passed on as one: the target is {@linkplain ConnectionDescriptor#resetOnClose reset} when it is closed.
 *
 * <p>For Netpark's own adapters.
 */
public final class Transfer implements Waiter {

    /** Is told of a transfer, on the event loop of one of the two connections; or, if those have ended, on any thread. */
    public interface Outcome {

        /**
         * It has ended; called once.
         *
         * @param failure null if it has come to its end: of the stream, or of the count. A {@link CancellationException} if
         *     it was cancelled; else why it could not go on, with {@link #isOfTarget} saying on which side
         */
        void ended(Transfer transfer, @Nullable Exception failure);

        /**
         * Told before {@link #ended} if it fails or is cancelled with bytes of the source in its hands, so that they can go where
         * they came from; not if it puts them back itself.
         *
         * @param bytes to be taken out; what is left in it is lost
         */
        default void left(Transfer transfer, LinkBuffer bytes) {}

        /** A read of the source begins, or a write of the target. */
        default void begins(Direction direction) {}

        /** Bytes have been moved. */
        default void moved() {}
    }

    /** A turn is as long as that of a coroutine. */
    private static final int BYTES_A_TURN = 2 << 20;
    private static final int ENDED = 0;
    private static final int GOING_ON = 1;

    private final ConnectionDescriptor source;
    private final ConnectionDescriptor target;
    private final @Nullable LinkBuffer ahead;
    private final long aheadCounts;
    private final long count;
    private final Outcome outcome;
    private final InTransit inTransit;
    /** Where bytes go back to that have been taken and cannot be written. */
    private final @Nullable LinkBuffer unread;
    /**
     * That it should end is known by two: the thread that cancels it, and the one that runs it. Whichever finds the waiter in a slot
     * makes it run, and only one can:
     *
     * <pre>
     *   cancel:  cancelled = true, then takes the waiter out of its slot, if it is in one
     *   park:    puts the waiter into the slot, then looks at cancelled, and takes it out again if that is set
     * </pre>
     *
     * The end of the source is told in the same way, by {@link SourceWatch#hasNews}.
     */
    private volatile boolean cancelled;

    // Of the thread that runs it: handed on through parking slots and queues of tasks.
    private boolean emptying;
    /** An operation has begun, and holds its lock. */
    private boolean begun;
    private long taken;
    private volatile long copied;
    private long lost;
    /** How much was to be written when the last write began, and whether it has had to wait since. */
    private long lump;
    private boolean waited;
    private boolean midway;
    /** Since it first had to wait for room. */
    private @Nullable SourceWatch watch;
    private boolean endedBySource;

    /**
     * One that has not begun, and loses nothing: what it takes from the source and cannot write is put back. {@code unread} belongs
     * to it until it is told to have ended.
     *
     * @param before bytes that the target gets first, and that are not the source's; those that are not written when it fails stay
     *     there. Null for none
     * @param unread what has been read from the source and not been used: goes next, and counts
     * @param count how many bytes to copy at most, with those
     * @param pool where memory comes from when bytes are copied
     * @throws NetparkException.LimitExceeded if there is no memory for it; nothing has changed
     */
    public Transfer(ConnectionDescriptor source, ConnectionDescriptor target, @Nullable LinkBuffer before, LinkBuffer unread, long count,
            SegmentPool pool, Outcome outcome) throws NetparkException.LimitExceeded {
        this(source, target, before, unread, 0, count, pool, outcome);
        long first = Math.min(unread.available(), count);
        inTransit.take(unread, first);
        taken = first;
        lump = first;
        emptying = hasAhead() || first > 0;
    }

    /**
     * One that has not begun, and tells how many bytes it has {@linkplain #lost lost}: the source goes on behind them.
     *
     * @param ahead bytes that the target gets first; those that are not written when it fails stay there. Null for none
     * @param aheadCounts how many of those are the source's, and count
     * @param count how many bytes to copy at most, with those
     * @param pool where memory comes from when bytes are copied
     */
    public Transfer(ConnectionDescriptor source, ConnectionDescriptor target, @Nullable LinkBuffer ahead, long aheadCounts, long count,
            SegmentPool pool, Outcome outcome) {
        this(source, target, ahead, null, aheadCounts, count, pool, outcome);
    }

    private Transfer(ConnectionDescriptor source, ConnectionDescriptor target, @Nullable LinkBuffer ahead, @Nullable LinkBuffer unread,
            long aheadCounts, long count, SegmentPool pool, Outcome outcome) {
        if (count < 0) {
            throw new IllegalArgumentException("a number of bytes cannot be negative: " + count);
        }
        this.source = source;
        this.target = target;
        this.ahead = ahead;
        this.unread = unread;
        this.aheadCounts = aheadCounts;
        this.count = count;
        this.outcome = outcome;
        this.inTransit = new InTransit(source, target, pool);
        this.taken = aheadCounts;
        this.emptying = hasAhead();
    }

    private boolean hasAhead() {
        return ahead != null && ahead.available() > 0;
    }

    /** It will not begin: puts back what it has taken so far. */
    void forgo() {
        lost = inTransit.size();
        putBack();
        inTransit.close();
    }

    /** Begins, here if this is the source's loop: then it may have ended when this returns. */
    public void start() {
        if (source.loop().inLoop() || !source.loop().tryExecute(this)) {
            run();
        }
    }

    /** Wishes it to end, from any thread. It does so soon, unless it has; the outcome is told. */
    public void cancel() {
        cancelled = true;
        if (source.unpark(Direction.READ, this)) {
            source.loop().wake(this);
        } else if (target.unpark(Direction.WRITE, this)) {
            target.loop().wake(this);
        }
    }

    // What has become of it

    /** Bytes of the source that the target has taken, so far or at the end; from any thread. */
    public long copied() {
        return copied;
    }

    /**
     * Bytes that were taken from the source and that nobody will ever get; after the end. None where they could be put back; where
     * there was no memory for that, the source must not be read any more.
     */
    public long lost() {
        return lost;
    }

    /** Whether it ended in the midst of a write, so that nobody could say where in the stream the target is; after the end. */
    public boolean isMidway() {
        return midway;
    }

    /** Whether it failed when it wrote to the target, and on account of that; after the end. */
    public boolean isOfTarget() {
        return emptying && !endedBySource;
    }

    /** What the target has to be told of it, if a failure has ended it in the midst of a write; null if it has not. */
    public @Nullable String brokenOutput(Exception failure) {
        return !midway ? null
                : "a copy from " + AddressText.of(source.remoteAddress()) + " ended in the midst of its bytes (" + failure + ")";
    }

    /** What the source has to be told of it, if bytes of it were lost; null if none were. */
    public @Nullable String brokenInput(Exception failure) {
        return lost > 0 ? lost + " bytes of it were lost in a copy (" + failure + ")" : null;
    }

    /** Whether its target is of no use to another borrower, after a failure: it was reached in the midst, or has to be reset. */
    public boolean spoilsTarget() {
        return midway || source.isReset();
    }

    // Going on

    /** Called by whoever took it out of a slot or a queue. */
    @Override
    public void run() {
        Exception failure = null;
        try {
            if (advance()) {
                return;
            }
        } catch (NetparkException | RuntimeException e) {
            failure = e;
        } catch (Error e) { // no memory, say; the operation has ended
            failure = new IllegalStateException(this + " failed", e);
        }
        end(failure);
    }

    /** Returns whether it is to be run again, and has been arranged to be. */
    private boolean advance() throws NetparkException {
        long turn = taken + BYTES_A_TURN;
        while (true) {
            if (cancelled) {
                throw new CancellationException(this + " was cancelled");
            }
            if (emptying && begun && watch != null && watch.hasNews()) {
                NetparkException why = watch.end();
                if (why != null) {
                    endedBySource = true;
                    throw why;
                }
            }
            boolean wasBegun = begun;
            begun = false; // if this throws, the operation has ended
            if (!wasBegun) {
                outcome.begins(direction());
            }
            int result = emptying ? empty(wasBegun) : fill(wasBegun);
            if (result == Descriptor.PARK) {
                begun = true;
                waited = emptying && !hasAhead();
                if (park()) {
                    return true;
                }
            } else if (result == ENDED) {
                return false;
            } else if (!emptying && taken - turn >= 0) {
                inTransit.giveBackPipe();
                if (source.loop().tryExecute(this)) {
                    return true;
                }
                turn = Long.MAX_VALUE;
            }
        }
    }

    private ConnectionDescriptor side() {
        return emptying ? target : source;
    }

    private Direction direction() {
        return emptying ? Direction.WRITE : Direction.READ;
    }

    /** Returns whether it will be run; then it may be running already. */
    private boolean park() {
        ConnectionDescriptor side = side();
        Direction direction = direction();
        SourceWatch watching = watch;
        if (emptying) {
            if (watching == null) {
                watching = watch = new SourceWatch(source, this::sourceEnded);
            }
            watching.begin();
        }
        return side.park(direction, this)
                && !((cancelled || watching != null && watching.hasNews()) && side.unpark(direction, this));
    }

    /** On the source's loop. */
    private void sourceEnded() {
        if (target.unpark(Direction.WRITE, this)) {
            target.loop().wake(this);
        }
    }

    private int fill(boolean retry) throws NetparkException {
        long most = count - taken;
        if (most == 0) {
            return ENDED;
        }
        int read = inTransit.fill(most, taken, retry);
        if (read == ConnectionDescriptor.END_OF_STREAM) {
            return ENDED;
        }
        if (read != Descriptor.PARK) {
            taken += read;
            lump = read;
            waited = false;
            emptying = true;
            outcome.moved();
            return GOING_ON;
        }
        return read;
    }

    private int empty(boolean retry) throws NetparkException {
        int result;
        if (ahead != null && hasAhead()) {
            result = retry ? target.retryWrite(ahead) : target.startWrite(ahead);
        } else {
            result = inTransit.empty(retry);
            if (result == Splicing.NOT_SPLICED) {
                return GOING_ON; // and is still emptying
            }
        }
        begun = result == Descriptor.PARK; // what is told here may throw
        tally();
        outcome.moved();
        if (!begun) {
            emptying = inTransit.size() > 0; // what was ahead of that is written
            return GOING_ON;
        }
        return result;
    }

    /** What has been taken and is not here any more has been copied. */
    private void tally() {
        long waiting = ahead == null ? 0 : Math.min(aheadCounts, ahead.available());
        copied = taken - waiting - inTransit.size();
    }

    private void end(@Nullable Exception failure) {
        if (begun) { // cancelled while it was parked, or something has thrown
            begun = false;
            side().abandon(direction());
        }
        if (watch != null) {
            watch.close();
        }
        lost = inTransit.size();
        midway = lost > 0 && (waited || lost != lump);
        tally();
        putBack();
        inTransit.close();
        if (!isOfTarget() && BrokenStream.isOne(failure)) {
            BrokenStream.passOn(target);
        }
        try {
            outcome.ended(this, failure);
        } catch (Throwable e) {
            source.loop().report("The end of a copy from " + source + " to " + target + " was told, and that threw", e);
        }
    }

    /** What was taken and is not written goes back to where it is read from. */
    private void putBack() {
        if (lost == 0) {
            return;
        }
        try {
            LinkBuffer segments = inTransit.unwritten();
            if (unread != null) {
                unread.putBack(segments);
            } else {
                outcome.left(this, segments);
            }
            lost = segments.available();
        } catch (Throwable e) { // no memory, say, or the buffer was closed: what is in its hands is lost
            source.loop().report("Bytes from " + source + " could not be put back, and are lost", e);
        }
    }

    @Override
    public String toString() {
        return "copy from " + source + " to " + target;
    }
}
