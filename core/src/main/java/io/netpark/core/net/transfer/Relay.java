package io.netpark.core.net.transfer;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Direction;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Two connections that are one to those at their ends: a {@link Transfer} each way. Where a stream ends, so does the output
 * that it was copied to, and the other direction goes on; a failure of one direction ends both. If that was a reset, or another end
 * that is none, it is passed on to the other connection when that is closed.
 *
 * <p>For Netpark's own adapters.
 */
public final class Relay {

    /** Is told of a relay, as a {@link Transfer.Outcome} is. */
    public interface Outcome {

        /**
         * Both directions have ended; called once.
         *
         * @param failure the first, which ended the other direction too; null if both streams have ended
         */
        void ended(Relay relay, @Nullable Exception failure);

        /** As {@link Transfer.Outcome#left}, of one direction. */
        default void left(Transfer transfer, LinkBuffer bytes) {}

        /** A read of the source of one direction begins, or a write of its target. */
        default void begins(ConnectionDescriptor side, Direction direction) {}

        /** Bytes have been moved. */
        default void moved() {}
    }

    /** A direction, and what is in front of it. */
    private final class OneWay implements Transfer.Outcome {
        final ConnectionDescriptor source;
        final ConnectionDescriptor target;
        final Transfer transfer;

        OneWay(ConnectionDescriptor source, ConnectionDescriptor target, @Nullable LinkBuffer ahead, long aheadCounts, SegmentPool pool) {
            this.source = source;
            this.target = target;
            this.transfer = new Transfer(source, target, ahead, aheadCounts, Long.MAX_VALUE, pool, this);
        }

        OneWay(ConnectionDescriptor source, ConnectionDescriptor target, @Nullable LinkBuffer before, LinkBuffer unread, SegmentPool pool)
                throws NetparkException.LimitExceeded {
            this.source = source;
            this.target = target;
            this.transfer = new Transfer(source, target, before, unread, Long.MAX_VALUE, pool, this);
        }

        @Override
        public void begins(Direction direction) {
            outcome.begins(direction == Direction.READ ? source : target, direction);
        }

        @Override
        public void moved() {
            outcome.moved();
        }

        @Override
        public void left(Transfer transfer, LinkBuffer bytes) {
            outcome.left(transfer, bytes);
        }

        @Override
        public void ended(Transfer transfer, @Nullable Exception failure) {
            try {
                Exception end = failure == null ? endOutput() : failure;
                if (end != null) {
                    failed(end, failure == null || transfer.isOfTarget());
                }
            } finally { // whatever has been thrown: nobody may wait for this direction any more
                if (going.decrementAndGet() == 0) {
                    Failure failed = first.get();
                    outcome.ended(Relay.this, failed == null ? null : failed.failure);
                }
            }
        }

        /** The source has ended, and so does what the target gets. Returns why that failed; null if it did not. */
        private @Nullable Exception endOutput() {
            try {
                target.shutdownOutput();
                return null;
            } catch (NetparkException | RuntimeException e) { // an engine of TLS may throw anything
                return e;
            } catch (Error e) { // no memory, say
                return new IllegalStateException("The output of " + target + " could not be ended", e);
            }
        }

        private void failed(Exception end, boolean ofTarget) {
            try {
                if (first.compareAndSet(null, new Failure(end, ofTarget ? target : source)) && BrokenStream.isOne(end)) {
                    BrokenStream.passOn(ofTarget ? source : target);
                }
            } finally {
                cancel();
            }
        }
    }

    private record Failure(Exception failure, ConnectionDescriptor of) {}

    private final Outcome outcome;
    private final OneWay toOther;
    private final OneWay fromOther;
    private final AtomicInteger going = new AtomicInteger(2);
    private final AtomicReference<@Nullable Failure> first = new AtomicReference<>();

    /**
     * One that has not begun.
     *
     * @param forOther bytes that the other gets first, as for {@link Transfer}; null for none
     * @param forOtherCounts how many of those are from one, and count
     * @param forOne bytes that one gets first
     * @param forOneCounts how many of those are from the other, and count
     */
    public Relay(ConnectionDescriptor one, ConnectionDescriptor other, @Nullable LinkBuffer forOther, long forOtherCounts,
            @Nullable LinkBuffer forOne, long forOneCounts, SegmentPool pool, Outcome outcome) {
        this.outcome = outcome;
        this.toOther = new OneWay(one, other, forOther, forOtherCounts, pool);
        this.fromOther = new OneWay(other, one, forOne, forOneCounts, pool);
    }

    /**
     * One that has not begun, and loses nothing: what it takes and cannot write is put back to what is unread, which belongs to it
     * until it is told to have ended.
     *
     * @param forOther bytes that the other gets first, and that are not from one; null for none
     * @param unreadOfOne what has been read from one and not been used
     * @param forOne bytes that one gets first
     * @param unreadOfOther what has been read from the other and not been used
     * @throws NetparkException.LimitExceeded if there is no memory for it; nothing has changed
     */
    public Relay(ConnectionDescriptor one, ConnectionDescriptor other, @Nullable LinkBuffer forOther, LinkBuffer unreadOfOne,
            @Nullable LinkBuffer forOne, LinkBuffer unreadOfOther, SegmentPool pool, Outcome outcome)
            throws NetparkException.LimitExceeded {
        this.outcome = outcome;
        this.toOther = new OneWay(one, other, forOther, unreadOfOne, pool);
        try {
            this.fromOther = new OneWay(other, one, forOne, unreadOfOther, pool);
        } catch (Throwable e) {
            toOther.transfer.forgo();
            throw e;
        }
    }

    /** Begins both directions; they may have ended when this returns. */
    public void start() {
        toOther.transfer.start();
        fromOther.transfer.start();
    }

    /** Wishes it to end, from any thread. It does so soon, unless it has; the outcome is told. */
    public void cancel() {
        toOther.transfer.cancel();
        fromOther.transfer.cancel();
    }

    /** Bytes from one to the other, after the end: how many were copied, and how many lost. */
    public Transfer toOther() {
        return toOther.transfer;
    }

    /** Bytes from the other to one. */
    public Transfer fromOther() {
        return fromOther.transfer;
    }

    /** Whose failure it was that ended it, after the end; null if it was nobody's. */
    public @Nullable ConnectionDescriptor failed() {
        Failure failed = first.get();
        return failed == null || failed.failure instanceof CancellationException ? null : failed.of;
    }
}
