package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Relay;
import io.netpark.core.net.Transfer;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Connections that lend their halves to the core, which copies from one to the other, and get them back when that has ended.
 *
 * <pre>
 *   inputs held --on the loop of each: no callback runs, nothing is read--> inputs lent
 *      --on the loop of each: everything written before is on its way-----> outputs lent: copying --> all given back
 * </pre>
 */
final class Carriage<T> {

    /** One direction. */
    private static final class Leg {
        final CallbackConnection source;
        final CallbackConnection target;
        /** What callbacks of the source have left unread. */
        final LinkBuffer ahead;
        @Nullable Transfer transfer;

        Leg(CallbackConnection source, CallbackConnection target) {
            this.source = source;
            this.target = target;
            this.ahead = target.newBuffer();
        }

        long copied() {
            return transfer == null ? 0 : transfer.copied();
        }

        long lost() {
            return transfer == null ? 0 : transfer.lost() + ahead.available();
        }
    }

    private final List<Leg> legs;
    private final List<Exchange> exchanges = new ArrayList<>();
    private final PlacedFuture<T> future;
    private final Supplier<T> result;
    private final long count;
    /** Why it cannot begin, and whose fault that is. */
    private @Nullable NetparkException unready;
    private @Nullable CallbackConnection unreadySide;
    private volatile @Nullable Runnable cancel;

    private Carriage(List<Leg> legs, long count, Supplier<T> result) {
        this.legs = legs;
        this.count = count;
        this.result = result;
        CallbackConnection first = legs.get(0).source;
        this.future = first.limits.newFuture(first.loop());
    }

    /** As {@link CallbackConnection#copyTo}. */
    static CompletableFuture<Long> copy(CallbackConnection source, CallbackConnection target, long count) {
        Leg leg = new Leg(source, target);
        return new Carriage<>(List.of(leg), count, leg::copied).begin();
    }

    /** As {@link CallbackConnection#relay}. */
    static CompletableFuture<Relayed> relay(CallbackConnection one, CallbackConnection other) {
        Leg there = new Leg(one, other);
        Leg back = new Leg(other, one);
        return new Carriage<>(List.of(there, back), Long.MAX_VALUE, () -> new Relayed(there.copied(), back.copied())).begin();
    }

    private CompletableFuture<T> begin() {
        for (int i = 0; i < legs.size(); i++) {
            if (!legs.get(i).source.input.hold()) {
                for (int j = 0; j < i; j++) {
                    legs.get(j).source.input.letGo();
                }
                throw new IllegalStateException("copy from " + legs.get(i).source + ": it is being copied from already");
            }
        }
        future.whenComplete((result, failure) -> {
            Runnable running = cancel;
            if (failure != null && running != null) {
                running.run(); // cancelled, or completed by somebody else
            }
        });
        lendInput(0);
        return future;
    }

    private static void onLoop(CallbackConnection connection, Runnable action) {
        OneByOne.onLoop(connection.loop(), action); // if it has ended, so has the connection
    }

    private void lendInput(int index) {
        if (index == legs.size()) {
            lendOutput(0);
            return;
        }
        onLoop(legs.get(index).source, () -> lendInputNow(index));
    }

    private void lendInputNow(int index) {
        Leg leg = legs.get(index);
        CallbackConnection source = leg.source;
        if (source.isOpen() && source.life.isCalling()) {
            source.life.afterCall(() -> lendInputNow(index));
            return;
        }
        exchanges.add(source.life.beginCopy()); // it is not idle, though nothing of it is read
        if (source.isOpen()) { // or a worker may be at its bytes still
            source.input.stop();
            try {
                takeUnread(leg);
            } catch (NetparkException.LimitExceeded e) {
                unready(source, e);
            }
        } else {
            unready(source, source.life.closed("copy from"));
        }
        lendInput(index + 1);
    }

    private void unready(CallbackConnection side, NetparkException why) {
        if (unready == null) {
            unready = why;
            unreadySide = side;
        }
    }

    /** What counts goes ahead, and the rest is unread still. */
    private void takeUnread(Leg leg) throws NetparkException.LimitExceeded {
        ByteBuffer unread = ByteBuffer.wrap(leg.source.input.takeUnread());
        int end = unread.limit();
        leg.ahead.write(unread.limit((int) Math.min(count, end)));
        unread.limit(end);
        if (unread.hasRemaining()) {
            leg.source.input.preload(unread);
        }
    }

    private void lendOutput(int index) {
        if (index == legs.size()) {
            start();
            return;
        }
        CallbackConnection target = legs.get(index).target;
        onLoop(target, () -> {
            exchanges.add(target.life.beginCopy()); // from here on its socket does not become another's
            if (!target.isOpen()) {
                unready(target, target.life.closed("copy to"));
            }
            target.output.lend(() -> lendOutput(index + 1));
        });
    }

    private void start() {
        Leg first = legs.get(0);
        if (unready != null && unreadySide != null) {
            ended(unready, unreadySide);
        } else if (legs.size() == 1) {
            Transfer transfer = new Transfer(first.source.core, first.target.core, first.ahead, first.ahead.available(), count,
                    first.target.limits.pool(), new OfTransfer());
            first.transfer = transfer;
            run(transfer::start, transfer::cancel);
        } else {
            Leg second = legs.get(1);
            Relay relay = new Relay(first.source.core, first.target.core, first.ahead, first.ahead.available(),
                    second.ahead, second.ahead.available(), first.target.limits.pool(), new OfRelay());
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
            Carriage.this.ended(failure, relay.failed() == leg.target.core ? leg.target : leg.source);
        }

        @Override
        public void begins(Connection side, Direction direction) {
            Leg leg = legs.get(0);
            CallbackConnection ofLeg = direction == Direction.READ ? leg.source : leg.target;
            Carriage.this.begins(ofLeg.core == side ? leg : legs.get(1), direction);
        }

        @Override
        public void moved() {
            touch();
        }
    }

    /** From here on the peer is expected to do something. */
    private void begins(Leg leg, Direction direction) {
        if (direction == Direction.READ) {
            leg.source.input.startTimeout();
        } else {
            leg.target.output.startTimeout();
        }
    }

    private void touch() {
        legs.get(0).source.idle.touch();
        legs.get(0).target.idle.touch();
    }

    private void ended(@Nullable Exception failure, CallbackConnection side) {
        if (failure instanceof NetparkException cause) {
            side.life.end(cause);
        }
        for (Leg leg : legs) {
            if (leg.lost() > 0) {
                end(leg.target, leg.lost() + " bytes from " + leg.source + " were lost", failure);
            } else if (failure != null && legs.size() > 1 && !(failure instanceof CancellationException)) {
                end(leg.target, "the relay with " + leg.source + " failed", failure);
            }
            leg.ahead.close();
        }
        for (Leg leg : legs) {
            onLoop(leg.target, () -> leg.target.output.giveBack(failure == null && legs.size() > 1));
            onLoop(leg.source, leg.source.input::giveBack);
        }
        exchanges.forEach(Exchange::close);
        if (failure == null) {
            future.tell(result.get());
        } else {
            future.tellFailure(failure);
        }
    }

    private static void end(CallbackConnection connection, String why, @Nullable Exception failure) {
        NetparkException.Closed cause = new NetparkException.Closed(connection + ": closed here, because " + why);
        cause.initCause(failure);
        connection.life.end(cause);
    }
}
