package io.netpark.core.net.transfer;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.PipePool;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.streams.PeerWatch;
import io.netpark.core.net.streams.Splicing;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way from one connection to another: to the end of the stream, or so many. They need not pass through this
 * process: a stream that is full goes by splice(2), through a pipe, and is never copied. A trickle is copied through a segment,
 * which takes a system call fewer; so is everything where there is no pipe to be had, or the kernel does not splice.
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
 * <p>While it waits for room in the target nothing is read, and yet it ends when the source is closed or breaks. What it holds then is
 * not written: it would not make the stream whole.
 *
 * <p>A stream that breaks is passed on as one: the target is {@linkplain ConnectionDescriptor#resetOnClose reset} when it is closed.
 *
 * <p>The rules of splicing are those of Go's internal/poll/splice_linux.go; when to splice is HAProxy's idea.
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
    /** Whose reads bring this has a stream that is worth splicing: from 32 KiB on it took 0.75 to 0.85 of the CPU of copying. */
    private static final int LUMP = SegmentPool.LARGEST / 2;
    /** A splice of less than this is not worth its pipe: of 8, 16 or 24 KiB it took 0.92 to 1.05 of the CPU of copying. */
    private static final int TRICKLE = 16 * 1024;
    /** So much is copied before a pipe is asked for again, after there was none. */
    private static final int WITHOUT_PIPE = 4 << 20;

    private static final int ENDED = 0;
    private static final int GOING_ON = 1;

    private final ConnectionDescriptor source;
    private final ConnectionDescriptor target;
    private final @Nullable LinkBuffer ahead;
    private final long aheadCounts;
    private final long count;
    private final Outcome outcome;
    private final PipePool pipes;
    private final LinkBuffer segments;
    /** Where bytes go back to that have been taken and cannot be written. */
    private final @Nullable LinkBuffer unread;
    private volatile boolean cancelled;
    /** The source is closed or broken. That ends it while it waits for room in the target; whoever reads finds out by that. */
    private volatile boolean orphaned;

    // Of whoever runs it: handed on through parking slots and queues of tasks.
    private boolean emptying;
    /** An operation has begun, and holds its lock. */
    private boolean begun;
    private long taken;
    private volatile long copied;
    private @Nullable Pipe pipe;
    /** A stream that comes in lumps. */
    private boolean splicing;
    private boolean neverSplice;
    private long copyUntil;
    private long lost;
    /** How much was to be written when the last write began, and whether it has had to wait since. */
    private long lump;
    private boolean waited;
    private boolean midway;
    /**
     * Of the source, since it first had to wait for room: one until the source is gone, and as that may be in order, one until it is
     * closed.
     */
    private @Nullable PeerWatch gone;
    private @Nullable PeerWatch closed;
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
        segments.append(unread, first);
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
        this.pipes = source.loop().pipes();
        this.segments = new LinkBuffer(pool);
        this.taken = aheadCounts;
        this.emptying = hasAhead();
    }

    private boolean hasAhead() {
        return ahead != null && ahead.available() > 0;
    }

    /** It will not begin: puts back what it has taken so far. */
    void forgo() {
        lost = carried();
        putBack();
        segments.close();
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
        // Whoever parks it looks at the wish afterwards, as with a close.
        if (source.unpark(Direction.READ, this)) {
            pass(source.loop());
        } else if (target.unpark(Direction.WRITE, this)) {
            pass(target.loop());
        }
    }

    private void pass(EventLoop loop) {
        if (!loop.tryExecute(this)) {
            run();
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
            if (orphaned && emptying && begun) {
                orphaned = false; // before the look: what is told after it counts
                NetparkException why = Splicing.endOfInput(source);
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
                giveBack();
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
        if (emptying) {
            watchSource();
        }
        return side.park(direction, this) && !((cancelled || orphaned) && side.unpark(direction, this));
    }

    /** Nothing is read while it waits for room, so nothing else would tell. */
    private void watchSource() {
        if (gone == null) {
            gone = source.watchPeer(PeerState.GONE, this::sourceGone);
        }
        if (closed == null) {
            closed = source.watchPeer(PeerState.CLOSED, this::sourceGone);
        }
    }

    private void unwatchSource() {
        if (gone != null) {
            gone.close();
        }
        if (closed != null) {
            closed.close();
        }
    }

    /** On the source's loop. */
    private void sourceGone(PeerState state) {
        if (Splicing.endOfInput(source) != null) {
            orphaned = true; // whoever parks it looks at that afterwards
            if (target.unpark(Direction.WRITE, this)) {
                pass(target.loop());
            }
        }
    }

    private int fill(boolean retry) throws NetparkException {
        long most = count - taken;
        if (most == 0) {
            return ENDED;
        }
        int read = splices() ? splice(most, retry) : copy(most, retry);
        if (read == Splicing.NOT_SPLICED) {
            read = copy(most, false);
        }
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

    /** Takes a pipe if there is none yet. */
    private boolean splices() {
        if (!splicing || neverSplice || taken < copyUntil) {
            giveBack();
            return false;
        }
        if (pipe == null) {
            pipe = pipes.take();
        }
        if (pipe == null) {
            copyUntil = taken + WITHOUT_PIPE;
            return false;
        }
        return true;
    }

    private int splice(long most, boolean retry) throws NetparkException {
        Pipe into = pipe;
        assert into != null;
        int read = 0;
        try {
            read = Splicing.fill(source, retry, into, most);
        } finally {
            if (read <= 0) {
                giveBack(); // who waits for bytes holds nothing
            }
        }
        if (read == Splicing.NOT_SPLICED) {
            neverSplice = true;
        } else if (read > 0 && read < TRICKLE) {
            splicing = false;
        }
        return read;
    }

    private int copy(long most, boolean retry) throws NetparkException {
        int read = Splicing.read(source, retry, segments, most);
        if (read >= LUMP) {
            splicing = true;
        }
        return read;
    }

    private int empty(boolean retry) throws NetparkException {
        int result;
        if (hasAhead()) {
            result = write(ahead, retry);
        } else if (pipe != null && pipe.size() > 0) {
            result = Splicing.empty(target, retry, pipe);
            if (result == Splicing.NOT_SPLICED) {
                neverSplice = true;
                rescue(pipe);
                giveBack();
                return GOING_ON; // and is still emptying
            }
        } else {
            result = write(segments, retry);
        }
        begun = result == Descriptor.PARK; // what is told here may throw
        tally();
        outcome.moved();
        if (!begun) {
            emptying = carried() > 0; // what was ahead of that is written
            return GOING_ON;
        }
        return result;
    }

    /** What has been taken and is not here any more has been copied. */
    private void tally() {
        long waiting = ahead == null ? 0 : Math.min(aheadCounts, ahead.available());
        copied = taken - waiting - carried();
    }

    private long carried() {
        return segments.available() + (pipe == null ? 0 : pipe.size());
    }

    private int write(LinkBuffer bytes, boolean retry) throws NetparkException {
        return retry ? target.retryWrite(bytes) : target.startWrite(bytes);
    }

    /** The target cannot be spliced to, or takes no more, and the bytes are in the pipe by now. */
    private void rescue(Pipe from) throws NetparkException {
        while (from.size() > 0) {
            long address = segments.openRoom();
            long read = 0;
            try {
                read = from.read(address, segments.roomSize());
            } finally {
                segments.filled((int) Math.max(0, read));
            }
            if (read < 0) {
                throw NetparkException.of((int) -read, "read from a pipe with bytes for " + target);
            }
        }
    }

    private void giveBack() {
        Pipe over = pipe;
        if (over != null) {
            pipe = null;
            pipes.giveBack(over);
        }
    }

    private void end(@Nullable Exception failure) {
        if (begun) { // cancelled while it was parked, or something has thrown
            begun = false;
            side().abandon(direction());
        }
        unwatchSource();
        lost = carried();
        midway = lost > 0 && (waited || lost != lump);
        tally();
        putBack();
        giveBack(); // with bytes in it, if it failed in their midst: then it is destroyed
        segments.close();
        if (!isOfTarget() && isBroken(failure)) {
            passOnReset(target);
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
            Pipe from = pipe;
            if (from != null) {
                rescue(from);
            }
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

    /** Whether a stream has ended without its end, and nobody here has done that. */
    static boolean isBroken(@Nullable Exception failure) {
        return failure instanceof NetparkException.Reset || failure instanceof NetparkException.Unreachable
                || failure instanceof NetparkException.SystemError
                || failure instanceof NetparkException.TimedOut timedOut && timedOut.timeout() == NetparkException.Timeout.PEER;
    }

    /** Whoever closes it in order must not make the peer believe that what it has got is whole. */
    static void passOnReset(ConnectionDescriptor connection) {
        try {
            connection.resetOnClose();
        } catch (NetparkException e) {
            // It is closed already.
        }
    }

    @Override
    public String toString() {
        return "copy from " + source + " to " + target;
    }
}
