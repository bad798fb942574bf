package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
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
public final class Copying<T> {

    private static final int WAITING = 0;
    private static final int BEGUN = 1;
    private static final int ABANDONED = 2;

    private final List<OneWay> ways;
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

    private Copying(List<OneWay> ways, long count, Supplier<T> result) {
        this.ways = ways;
        this.count = count;
        this.result = result;
        this.missing = new AtomicInteger(2 * ways.size());
        Lifecycle first = ways.get(0).source;
        this.future = first.limits().newFuture(first.loop());
    }

    /** Copies so many bytes from one connection to another, or to the end of the stream. */
    public static CompletableFuture<Long> copy(Lifecycle source, Lifecycle target, long count) {
        OneWay way = new OneWay(source, target);
        return new Copying<>(List.of(way), count, way::copied).begin();
    }

    /** Copies both ways until both streams have ended; {@code result} is given how many bytes went each way. */
    public static <R> CompletableFuture<R> relay(
            Lifecycle one, Lifecycle other, BiFunction<Long, Long, R> result) {
        OneWay toOther = new OneWay(one, other);
        OneWay fromOther = new OneWay(other, one);
        return new Copying<>(List.of(toOther, fromOther), Long.MAX_VALUE, () -> result.apply(toOther.copied(), fromOther.copied())).begin();
    }

    private CompletableFuture<T> begin() {
        for (int i = 0; i < ways.size(); i++) {
            if (!ways.get(i).source.input().hold()) {
                for (int j = 0; j < i; j++) {
                    ways.get(j).source.input().letGo();
                }
                throw new IllegalStateException("copy from " + ways.get(i).source + ": it is being copied from already");
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
        for (OneWay way : ways) { // now, as what is written from now on comes after it
            if (way.target.isUsable()) {
                way.target.output().lend(granted -> outputLent(way, granted));
            } else {
                outputLent(way, false);
            }
            onLoop(way.source, () -> lendInput(way));
        }
        return future;
    }

    private static void onLoop(Lifecycle connection, Runnable action) {
        OneByOne.onLoop(connection.loop(), action); // if it has ended, so has the connection
    }

    private void abandon() {
        for (OneWay way : ways) {
            onLoop(way.source, () -> {
                if (way.hasInput) {
                    way.source.input().giveBack(way.ahead, false);
                    way.ahead.close();
                }
            });
            onLoop(way.target, () -> {
                if (way.hasOutput) {
                    way.target.output().giveBack(false);
                }
            });
        }
        endExchanges();
    }

    private synchronized void endExchanges() {
        exchanges.forEach(Lifecycle::endCopy);
        exchanges.clear();
    }

    private void lendInput(OneWay way) {
        Lifecycle source = way.source;
        if (phase.get() == ABANDONED) {
            source.input().letGo();
            return;
        }
        if (source.isOpen() && source.delivery().isOut()) {
            source.delivery().afterCall(() -> lendInput(way));
            return;
        }
        if (!source.isUsable()) { // a worker may be at its bytes still
            lent(source, source.ending().closed("copy from"));
            return;
        }
        source.input().stop();
        way.hasInput = true;
        lent(source, takeUnread(way));
    }

    private void outputLent(OneWay way, boolean granted) {
        Lifecycle target = way.target;
        if (granted && phase.get() == ABANDONED) {
            onLoop(target, () -> target.output().giveBack(false)); // as a task: the next may be abandoned as well
        } else if (granted) {
            way.hasOutput = true;
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
    private @Nullable NetparkException takeUnread(OneWay way) {
        ByteBuffer unread = ByteBuffer.wrap(way.source.input().takeUnread());
        int end = unread.limit();
        try {
            way.ahead.put(unread.limit((int) Math.min(count, end)));
            return null;
        } catch (NetparkException.LimitExceeded e) {
            return e;
        } finally {
            unread.limit(end);
            if (unread.hasRemaining()) {
                way.source.input().preload(unread);
            }
        }
    }

    private void start() {
        OneWay first = ways.get(0);
        if (unready != null) {
            ended(unready, null);
        } else if (ways.size() == 1) {
            Transfer transfer = new Transfer(first.source.core(), first.target.core(), first.ahead, first.ahead.available(), count,
                    first.target.limits().pool(), new OfTransfer());
            first.transfer = transfer;
            run(transfer::start, transfer::cancel);
        } else {
            OneWay second = ways.get(1);
            Relay relay = new Relay(first.source.core(), first.target.core(), first.ahead, first.ahead.available(),
                    second.ahead, second.ahead.available(), first.target.limits().pool(), new OfRelay());
            first.transfer = relay.toOther();
            second.transfer = relay.fromOther();
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
            OneWay way = ways.get(0);
            Copying.this.ended(failure, transfer.isOfTarget() ? way.target : way.source);
        }

        @Override
        public void left(Transfer transfer, LinkBuffer bytes) {
            ways.get(0).left(bytes);
        }

        @Override
        public void begins(Direction direction) {
            Copying.this.begins(ways.get(0), direction);
        }

        @Override
        public void moved() {
            touch();
        }
    }

    private final class OfRelay implements Relay.Outcome {
        @Override
        public void ended(Relay relay, @Nullable Exception failure) {
            OneWay way = ways.get(0);
            Copying.this.ended(failure, relay.failed() == way.target.core() ? way.target : way.source);
        }

        @Override
        public void left(Transfer transfer, LinkBuffer bytes) {
            ways.get(ways.get(0).transfer == transfer ? 0 : 1).left(bytes);
        }

        @Override
        public void begins(ConnectionDescriptor side, Direction direction) {
            OneWay way = ways.get(0);
            Lifecycle ofWay = direction == Direction.READ ? way.source : way.target;
            Copying.this.begins(ofWay.core() == side ? way : ways.get(1), direction);
        }

        @Override
        public void moved() {
            touch();
        }
    }

    /** From here on the peer is expected to do something. */
    private void begins(OneWay way, Direction direction) {
        if (direction == Direction.READ) { // a write has a timeout of its own
            way.source.input().startTimeout();
        }
    }

    private void touch() {
        ways.get(0).source.idle().touch();
        ways.get(0).target.idle().touch();
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
        for (OneWay way : ways) {
            if (way.lost() > 0) {
                reset(way.target, way.lost() + " bytes from " + way.source + " were lost", failure);
                reset(way.source, way.lost() + " bytes of it were lost on their way to " + way.target, failure);
            } else if (cancelled && way.interrupted) {
                reset(way.target, "the copy from " + way.source + " was cancelled in the midst of bytes", failure);
            } else if (failure != null && isRelay() && !cancelled) {
                reset(way.target, "the relay with " + way.source + " failed", failure);
            }
        }
        giveBack(failure);
    }

    private boolean isRelay() {
        return ways.size() > 1;
    }

    private static void reset(Lifecycle connection, String why, @Nullable Exception failure) {
        NetparkException.Closed cause = new NetparkException.Closed(connection + ": reset here, because " + why);
        cause.initCause(failure);
        connection.ending().reset(cause);
    }

    /** The output of the target, then the input of the source, both directions at a time; when all is as it was somebody may copy again. */
    private void giveBack(@Nullable Exception failure) {
        boolean ended = failure == null && isRelay();
        AtomicInteger left = new AtomicInteger(ways.size());
        for (OneWay way : ways) {
            onLoop(way.target, () -> {
                way.target.output().giveBack(ended);
                onLoop(way.source, () -> {
                    way.source.input().giveBack(way.ahead, ended);
                    way.ahead.close();
                    if (left.decrementAndGet() == 0) {
                        endExchanges();
                        onLoop(ways.get(0).source, () -> tell(failure));
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
