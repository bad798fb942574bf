package io.netpark.callback.pool;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.lifecycle.Lifecycle;
import io.netpark.core.loop.Timer;
import io.netpark.core.pool.CheckedBorrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.NetparkException;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One wish for a connection of a pool, as a future has it.
 *
 * <pre>
 *   asked --lent--> to be checked? --good--> its callbacks begin --> future completes
 *     ^                  |
 *     +-- not good, or the time is over: rejected
 * </pre>
 *
 * @param <L> a lease as users have it
 */
public final class Borrowing<L> implements Pool.Borrower {

    private final PlacedFuture<L> future;
    private final Lender<L> lender;
    private final CheckedBorrow wish;
    /** What is being checked, to be closed if nobody waits for it any more. */
    private volatile @Nullable Lifecycle checking;

    public Borrowing(Lender<L> lender, CheckedBorrow wish, PlacedFuture<L> future) {
        this.lender = lender;
        this.future = future;
        this.wish = wish;
    }

    public void start() {
        ask();
        future.whenComplete((lease, failure) -> {
            if (failure != null) { // cancelled, or failed here
                giveUp();
            }
        });
    }

    private void giveUp() {
        wish.cancel();
        Lifecycle connection = checking;
        if (connection != null) {
            connection.ending().end(null);
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
        Lender.Check check = lender.check(lease);
        Lifecycle connection = check.life();
        connection.start(() -> {});
        Timer timer = connection.loop().newTimer(() -> connection.ending().end(null));
        timer.arm(wish.endNanos());
        connection.onClose(cause -> {
            timer.disarm();
            checking = null;
            if (lease.connection().isClosed()) { // otherwise it has been released, and goes on
                rejected(lease);
            }
        });
        checking = connection;
        if (future.isDone()) {
            connection.ending().end(null);
            return;
        }
        CompletionStage<Boolean> good;
        try {
            good = Objects.requireNonNull(check.ask(), "what the check returned");
        } catch (Throwable e) {
            connection.ending().callbackFailed("check", e);
            return;
        }
        good.whenComplete((yes, failure) -> connection.loop().tryExecute(() -> {
            if (Boolean.TRUE.equals(yes)) {
                connection.release(clean -> {
                    if (clean) {
                        lease.passedCheck();
                        begin(lease, false);
                    } else {
                        rejected(lease);
                    }
                });
            } else {
                connection.ending().end(null);
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
        L lent = lender.lend(lease);
        Lifecycle connection = lender.life(lent);
        connection.onClose(cause -> lender.closed(lent));
        connection.start(() -> {
            NetparkException failure = connection.isOpen() ? null : connection.ending().closed("borrow");
            future.tell(() -> {
                if (failure != null) {
                    lender.discard(lent);
                    future.completeExceptionally(failure);
                } else if (!future.complete(lent)) {
                    lender.discard(lent); // cancelled at the last moment, and its callbacks have been called
                }
            });
        });
    }
}
