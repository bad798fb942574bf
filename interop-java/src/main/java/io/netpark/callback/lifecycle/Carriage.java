package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.output.OutputQueue;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.transfer.Relay;
import io.netpark.core.net.transfer.Transfer;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Connections that lend their halves to the core, which copies from one to the other, and get them back when that has ended.
 *
 * <pre>
 *   inputs held, outputs asked for
 *      --on the loop of each: no callback runs, nothing is read-------------> input lent
 *      --on the loop of each: everything written before is on its way-------> output lent; with the last: copying
 *      --on the loop of each: what was read and not written is unread again--> all given back, and the future is told
 * </pre>
 */
public final class Carriage<T> {

    /** One direction. */
    private static final class Leg {
        final Lifecycle source;
        final Lifecycle target;
        /** What callbacks of the source have left unread; at the end, what the source gets back. */
        final LinkBuffer ahead;
        @Nullable Transfer transfer;
        /** It ended in the midst of bytes. */
        boolean interrupted;
        /** Its source's input is here. On the loop of that. */
        boolean hasInput;
        /** Its target's output is here. On the loop of that. */
        boolean hasOutput;

        Leg(Lifecycle source, Lifecycle target) {
            this.source = source;
            this.target = target;
            this.ahead = target.limits().newBuffer();
        }

        long copied() {
            return transfer == null ? 0 : transfer.copied();
        }

        long lost() {
            return transfer == null ? 0 : transfer.lost();
        }

        /** Bytes that the target has not taken come first again when the source goes on: after those that are ahead, if any are. */
        void left(LinkBuffer bytes) {
            interrupted = true;
            OutputQueue.move(bytes, ahead);
        }
    }

    private static final int WAITING = 0;
    private static final int BEGUN = 1;
    private static final int ABANDONED = 2;

    private final List<Leg> legs;
    private final List<Lifecycle> exchanges = new ArrayList<>();
    private final PlacedFuture<T> future;
    private final Supplier<T> result;
    private final long count;
    /**
     * <pre>
     *   WAITING --all halves are here--> BEGUN
     *           --cancelled------------> ABANDONED: what is here goes back now, what comes as soon as it does
     * </pre>
     */
    private final AtomicInteger phase = new AtomicInteger(WAITING);
    /** Halves of connections that are not here yet. */
    private final AtomicInteger missing;
    /** Why it cannot begin. Guarded by this, as {@link #exchanges} are, until all halves are here. */
    private @Nullable NetparkException unready;
    private volatile @Nullable Runnable cancel;

    private Carriage(List<Leg> legs, long count, Supplier<T> result) {
        this.legs = legs;
        this.count = count;
        this.result = result;
        this.missing = new AtomicInteger(2 * legs.size());
        Lifecycle first = legs.get(0).source;
        this.future = first.limits().newFuture(first.loop());
    }

    /** As {@link CallbackConnection#copyTo}. */
    public static CompletableFuture<Long> copy(Lifecycle source, Lifecycle target, long count) {
        Leg leg = new Leg(source, target);
        return new Carriage<>(List.of(leg), count, leg::copied).begin();
    }

    /** As {@link CallbackConnection#relay}. */
    public static <R> CompletableFuture<R> relay(
            Lifecycle one, Lifecycle other, BiFunction<Long, Long, R> result) {
        Leg there = new Leg(one, other);
        Leg back = new Leg(other, one);
        return new Carriage<>(List.of(there, back), Long.MAX_VALUE, () -> result.apply(there.copied(), back.copied())).begin();
    }

    private CompletableFuture<T> begin() {
        for (int i = 0; i < legs.size(); i++) {
            if (!legs.get(i).source.input().hold()) {
                for (int j = 0; j < i; j++) {
                    legs.get(j).source.input().letGo();
                }
                throw new IllegalStateException("copy from " + legs.get(i).source + ": it is being copied from already");
            }
        }
        future.whenComplete((result, failure) -> {
            Runnable running = cancel;
            if (failure == null) {
                return;
            }
            if (phase.compareAndSet(WAITING, ABANDONED)) {
                abandon(); // cancelled, or completed by somebody else
            } else if (running != null) {
                running.run();
            }
        });
        for (Leg leg : legs) { // now, as what is written from now on comes after it
            if (leg.target.isUsable()) {
                leg.target.output().lend(granted -> outputLent(leg, granted));
            } else {
                outputLent(leg, false);
            }
            onLoop(leg.source, () -> lendInput(leg));
        }
        return future;
    }

    private static void onLoop(Lifecycle connection, Runnable action) {
        OneByOne.onLoop(connection.loop(), action); // if it has ended, so has the connection
    }

    private void abandon() {
        for (Leg leg : legs) {
            onLoop(leg.source, () -> {
                if (leg.hasInput) {
                    leg.source.input().giveBack(leg.ahead, false);
                    leg.ahead.close();
                }
            });
            onLoop(leg.target, () -> {
                if (leg.hasOutput) {
                    leg.target.output().giveBack(false);
                }
            });
        }
        endExchanges();
    }

    private synchronized void endExchanges() {
        exchanges.forEach(Lifecycle::endCopy);
        exchanges.clear();
    }

    private void lendInput(Leg leg) {
        Lifecycle source = leg.source;
        if (phase.get() == ABANDONED) {
            source.input().letGo();
            return;
        }
        if (source.isOpen() && source.delivery().isOut()) {
            source.delivery().afterCall(() -> lendInput(leg));
            return;
        }
        if (!source.isUsable()) { // a worker may be at its bytes still
            lent(source, source.ending().closed("copy from"));
            return;
        }
        source.input().stop();
        leg.hasInput = true;
        lent(source, takeUnread(leg));
    }

    private void outputLent(Leg leg, boolean granted) {
        Lifecycle target = leg.target;
        if (granted && phase.get() == ABANDONED) {
            onLoop(target, () -> target.output().giveBack(false)); // as a task: the next may be abandoned as well
        } else if (granted) {
            leg.hasOutput = true;
            lent(target, null);
        } else {
            lent(target, target.isUsable()
                    ? new NetparkException.Closed("copy to " + target + ": its output has been shut down here")
                    : target.ending().closed("copy to"));
        }
    }

    /** One of the halves is here, or will not be. From several loops. */
    private void lent(Lifecycle side, @Nullable NetparkException failure) {
        side.beginCopy(); // it is not idle, though nothing of it is read or pending
        synchronized (this) {
            exchanges.add(side);
            if (unready == null) {
                unready = failure;
            }
        }
        if (missing.decrementAndGet() == 0 && phase.compareAndSet(WAITING, BEGUN)) {
            try {
                start();
            } catch (Throwable e) { // no memory, say; what it would have run on its own loop does not throw
                ended(new IllegalStateException("it could not begin", e), null);
            }
        } else if (phase.get() == ABANDONED) {
            endExchanges();
        }
    }

    /** What counts goes ahead, and the rest is unread still. */
    private @Nullable NetparkException takeUnread(Leg leg) {
        ByteBuffer unread = ByteBuffer.wrap(leg.source.input().takeUnread());
        int end = unread.limit();
        try {
            leg.ahead.put(unread.limit((int) Math.min(count, end)));
            return null;
        } catch (NetparkException.LimitExceeded e) {
            return e;
        } finally {
            unread.limit(end);
            if (unread.hasRemaining()) {
                leg.source.input().preload(unread);
            }
        }
    }

    private void start() {
        Leg first = legs.get(0);
        if (unready != null) {
            ended(unready, null);
        } else if (legs.size() == 1) {
            Transfer transfer = new Transfer(first.source.core(), first.target.core(), first.ahead, first.ahead.available(), count,
                    first.target.limits().pool(), new OfTransfer());
            first.transfer = transfer;
            run(transfer::start, transfer::cancel);
        } else {
            Leg second = legs.get(1);
            Relay relay = new Relay(first.source.core(), first.target.core(), first.ahead, first.ahead.available(),
                    second.ahead, second.ahead.available(), first.target.limits().pool(), new OfRelay());
            first.transfer = relay.there();
            second.transfer = relay.back();
            run(relay::start, relay::cancel);
        }
    }

    private void run(Runnable start, Runnable stop) {
        cancel = stop;
        if (future.isDone()) {
            stop.run();
        }
        start.run();
    }

    private final class OfTransfer implements Transfer.Outcome {
        @Override
        public void ended(Transfer transfer, @Nullable Exception failure) {
            Leg leg = legs.get(0);
            Carriage.this.ended(failure, transfer.isOfTarget() ? leg.target : leg.source);
        }

        @Override
        public void left(Transfer transfer, LinkBuffer bytes) {
            legs.get(0).left(bytes);
        }

        @Override
        public void begins(Direction direction) {
            Carriage.this.begins(legs.get(0), direction);
        }

        @Override
        public void moved() {
            touch();
        }
    }

    private final class OfRelay implements Relay.Outcome {
        @Override
        public void ended(Relay relay, @Nullable Exception failure) {
            Leg leg = legs.get(0);
            Carriage.this.ended(failure, relay.failed() == leg.target.core() ? leg.target : leg.source);
        }

        @Override
        public void left(Transfer transfer, LinkBuffer bytes) {
            legs.get(legs.get(0).transfer == transfer ? 0 : 1).left(bytes);
        }

        @Override
        public void begins(ConnectionDescriptor side, Direction direction) {
            Leg leg = legs.get(0);
            Lifecycle ofLeg = direction == Direction.READ ? leg.source : leg.target;
            Carriage.this.begins(ofLeg.core() == side ? leg : legs.get(1), direction);
        }

        @Override
        public void moved() {
            touch();
        }
    }

    /** From here on the peer is expected to do something. */
    private void begins(Leg leg, Direction direction) {
        if (direction == Direction.READ) { // a write has a timeout of its own
            leg.source.input().startTimeout();
        }
    }

    private void touch() {
        legs.get(0).source.idle().touch();
        legs.get(0).target.idle().touch();
    }

    /**
     * Nothing is missing where a source goes on, and no peer takes for whole what is not: with a relay that fails both connections
     * are reset, with one that is cancelled those in the midst of whose output it was.
     */
    private void ended(@Nullable Exception failure, @Nullable Lifecycle side) {
        boolean cancelled = failure instanceof CancellationException;
        if (failure instanceof NetparkException cause && side != null) {
            if (isRelay()) {
                side.ending().reset(cause);
            } else {
                side.ending().end(cause);
            }
        }
        for (Leg leg : legs) {
            if (leg.lost() > 0) {
                reset(leg.target, leg.lost() + " bytes from " + leg.source + " were lost", failure);
                reset(leg.source, leg.lost() + " bytes of it were lost on their way to " + leg.target, failure);
            } else if (cancelled && leg.interrupted) {
                reset(leg.target, "the copy from " + leg.source + " was cancelled in the midst of bytes", failure);
            } else if (failure != null && isRelay() && !cancelled) {
                reset(leg.target, "the relay with " + leg.source + " failed", failure);
            }
        }
        giveBack(failure);
    }

    private boolean isRelay() {
        return legs.size() > 1;
    }

    private static void reset(Lifecycle connection, String why, @Nullable Exception failure) {
        NetparkException.Closed cause = new NetparkException.Closed(connection + ": reset here, because " + why);
        cause.initCause(failure);
        connection.ending().reset(cause);
    }

    /** The output of the target, then the input of the source, both directions at a time; when all is as it was somebody may copy again. */
    private void giveBack(@Nullable Exception failure) {
        boolean ended = failure == null && isRelay();
        AtomicInteger left = new AtomicInteger(legs.size());
        for (Leg leg : legs) {
            onLoop(leg.target, () -> {
                leg.target.output().giveBack(ended);
                onLoop(leg.source, () -> {
                    leg.source.input().giveBack(leg.ahead, ended);
                    leg.ahead.close();
                    if (left.decrementAndGet() == 0) {
                        endExchanges();
                        onLoop(legs.get(0).source, () -> tell(failure));
                    }
                });
            });
        }
    }

    private void tell(@Nullable Exception failure) {
        if (failure == null) {
            future.tell(result.get());
        } else {
            future.tellFailure(failure);
        }
    }
}
