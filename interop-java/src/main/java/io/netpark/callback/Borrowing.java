package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.loop.Timer;
import io.netpark.core.pool.Borrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link CallbackPool#borrow}, as a future has it.
 *
 * <pre>
 *   asked --lent--> to be checked? --good--> its callbacks begin --> future completes
 *     ^                  |
 *     +-- not good, or the time is over: rejected
 * </pre>
 */
final class Borrowing implements Pool.Borrower {

    private static final Callbacks NONE = Callbacks.builder().build();

    final PlacedFuture<CallbackLease> future;

    private final CallbackPool pool;
    private final SocketAddress destination;
    private final long timeoutNanos;
    private final Callbacks callbacks;
    private final long startNanos = System.nanoTime();
    private final AtomicInteger asked = new AtomicInteger();
    private volatile @Nullable Borrow borrow;
    /** What is being checked, to be closed if nobody waits for it any more. */
    private volatile @Nullable CallbackConnection checking;

    /** @param timeoutNanos {@link Due#FOREVER} for ever, 0 or less not to wait */
    Borrowing(CallbackPool pool, SocketAddress destination, long timeoutNanos, Callbacks callbacks) {
        this.pool = pool;
        this.future = pool.client.newFuture();
        this.destination = destination;
        this.timeoutNanos = timeoutNanos;
        this.callbacks = callbacks;
    }

    void start() {
        ask();
        future.whenComplete((lease, failure) -> {
            if (failure != null) { // cancelled, or failed here
                giveUp();
            }
        });
    }

    private void giveUp() {
        Borrow asked = borrow;
        if (asked != null) {
            asked.cancel();
        }
        CallbackConnection connection = checking;
        if (connection != null) {
            connection.close();
        }
    }

    private long left() {
        return timeoutNanos == Due.FOREVER || asked.get() == 1 ? timeoutNanos : timeoutNanos - (System.nanoTime() - startNanos);
    }

    private void ask() {
        if (asked.get() > 0 && System.nanoTime() - startNanos >= timeoutNanos) {
            failed(new NetparkException.TimedOut(NetparkException.Timeout.BORROW, "borrow a connection to " + destination
                    + ": none within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms that its check accepts"));
            return;
        }
        int round = asked.incrementAndGet();
        Borrow asking = pool.core.borrow(destination, left(), this);
        if (asked.get() == round) { // or it has been lent, rejected and asked again already
            borrow = asking;
        }
        if (future.isDone()) {
            asking.cancel();
        }
    }

    @Override
    public void lent(PoolLease lease) {
        if (!lease.connection().loop().tryExecute(() -> begin(lease, pool.mustCheck(lease)))) {
            lease.discard();
            failed(new NetparkException.Closed("borrow a connection to " + destination + ": the event loop was closed"));
        }
    }

    @Override
    public void failed(NetparkException cause) {
        future.tellFailure(cause);
    }

    // On the loop of the connection, from here on

    private void begin(PoolLease lease, boolean mustCheck) {
        try {
            if (future.isDone()) {
                lease.giveBack();
            } else if (mustCheck) {
                check(lease);
            } else {
                lend(lease);
            }
        } catch (Throwable e) { // no memory, say: neither the place nor the borrower must be lost
            if (lease.isLent()) {
                lease.discard();
            }
            future.tellFailure(e);
            throw e;
        }
    }

    private void check(PoolLease lease) {
        CallbackConnection connection = pool.client.connected(lease.connection(), NONE);
        connection.life.start(() -> {});
        Timer timer = connection.loop().newTimer(connection::close);
        timer.arm(Due.after(startNanos, timeoutNanos));
        connection.onClose((closed, cause) -> {
            timer.disarm();
            checking = null;
            if (lease.connection().isClosed()) { // otherwise it has been released, and goes on
                rejected(lease);
            }
        });
        checking = connection;
        if (future.isDone()) {
            connection.close();
            return;
        }
        CompletionStage<Boolean> good;
        try {
            good = Objects.requireNonNull(Objects.requireNonNull(pool.check).check(connection), "what the check returned");
        } catch (Throwable e) {
            connection.life.callbackFailed("check", e);
            return;
        }
        good.whenComplete((yes, failure) -> connection.loop().tryExecute(() -> {
            if (Boolean.TRUE.equals(yes)) {
                connection.release(clean -> {
                    if (clean) {
                        lease.connection().forgetTimes(); // of the check
                        begin(lease, false);
                    } else {
                        rejected(lease);
                    }
                });
            } else {
                connection.close();
            }
        }));
    }

    /** Once: the connection is of no use, so ask for the next. */
    private void rejected(PoolLease lease) {
        if (lease.isLent()) {
            lease.reject();
            if (!future.isDone()) {
                ask();
            }
        }
    }

    private void lend(PoolLease lease) {
        future.settle(lease.connection().loop());
        CallbackConnection connection = pool.client.connected(lease.connection(), callbacks);
        CallbackLease lent = new CallbackLease(lease, connection);
        connection.onClose((closed, cause) -> lent.closed());
        connection.life.start(() -> {
            NetparkException failure = connection.isOpen() ? null : connection.life.closed("borrow");
            future.tell(() -> {
                if (failure != null) {
                    lent.discard();
                    future.completeExceptionally(failure);
                } else if (!future.complete(lent)) {
                    lent.discard(); // cancelled at the last moment, and its callbacks have been called
                }
            });
        });
    }
}
