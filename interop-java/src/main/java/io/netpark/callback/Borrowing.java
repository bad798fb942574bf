package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.loop.Timer;
import io.netpark.core.pool.CheckedBorrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.NetparkException;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
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
    private final CheckedBorrow wish;
    private final Callbacks callbacks;
    /** What is being checked, to be closed if nobody waits for it any more. */
    private volatile @Nullable CallbackConnection checking;

    Borrowing(CallbackPool pool, CheckedBorrow wish, Callbacks callbacks) {
        this.pool = pool;
        this.future = pool.client.newFuture();
        this.wish = wish;
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
        wish.cancel();
        CallbackConnection connection = checking;
        if (connection != null) {
            connection.close();
        }
    }

    private void ask() {
        try {
            wish.ask(this);
        } catch (NetparkException e) {
            failed(e);
            return;
        }
        if (future.isDone()) { // since it was looked
            wish.cancel();
        }
    }

    @Override
    public void lent(PoolLease lease) {
        if (!lease.connection().loop().tryExecute(() -> begin(lease, wish.isCheckDue(lease)))) {
            lease.discard();
            failed(new NetparkException.Closed(wish + ": the event loop was closed"));
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
        timer.arm(wish.endNanos());
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
            connection.life.ending().callbackFailed("check", e);
            return;
        }
        good.whenComplete((yes, failure) -> connection.loop().tryExecute(() -> {
            if (Boolean.TRUE.equals(yes)) {
                connection.life.release(clean -> {
                    if (clean) {
                        lease.passedCheck();
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
            NetparkException failure = connection.isOpen() ? null : connection.life.ending().closed("borrow");
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
