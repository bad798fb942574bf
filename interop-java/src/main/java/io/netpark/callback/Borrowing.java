package io.netpark.callback;

import io.netpark.core.pool.Borrow;
import io.netpark.core.pool.Lease;
import io.netpark.core.pool.Pool;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link CallbackPool#borrow}, as a future has it.
 *
 * <pre>
 *   asked --lent--> to be checked? --good--> its callbacks begin --> future completes
 *     ^                  |
 *     +--not good--------+
 * </pre>
 */
final class Borrowing implements Pool.Borrower {

    private static final Callbacks NONE = Callbacks.builder().build();

    final CompletableFuture<CallbackLease> future = new CompletableFuture<>();

    private final CallbackPool pool;
    private final SocketAddress destination;
    private final long timeoutNanos;
    private final Callbacks callbacks;
    private final long startNanos = System.nanoTime();
    private volatile @Nullable Borrow borrow;

    /** @param timeoutNanos negative for as long as the pool's options say, 0 for ever */
    Borrowing(CallbackPool pool, SocketAddress destination, long timeoutNanos, Callbacks callbacks) {
        this.pool = pool;
        this.destination = destination;
        this.timeoutNanos = timeoutNanos;
        this.callbacks = callbacks;
    }

    void start() {
        ask();
        future.whenComplete((lease, failure) -> {
            Borrow asked = borrow;
            if (failure != null && asked != null) {
                asked.cancel(); // cancelled, or failed here
            }
        });
    }

    private void ask() {
        if (timeoutNanos < 0) {
            borrow = pool.core.borrow(destination, this);
        } else {
            long left = timeoutNanos == 0 ? 0 : Math.max(1, timeoutNanos - (System.nanoTime() - startNanos));
            borrow = pool.core.borrow(destination, left, this);
        }
    }

    @Override
    public void lent(Lease lease) {
        if (!lease.connection().loop().tryExecute(() -> begin(lease))) {
            lease.discard();
            failed(new NetparkException.Closed("borrow a connection to " + destination + ": the event loop was closed"));
        }
    }

    private void begin(Lease lease) {
        begin(lease, pool.mustCheck(lease));
    }

    @SuppressWarnings("NullAway") // there is a check, as mustCheck() says
    private void check(Lease lease) {
        CallbackConnection connection = pool.client.connected(lease.connection(), NONE);
        connection.life.start(() -> {});
        CompletionStage<Boolean> good;
        try {
            good = pool.check.check(connection);
        } catch (Throwable e) {
            good = CompletableFuture.failedFuture(e);
        }
        connection.onClose((closed, cause) -> checked(lease)); // where it ends before its check does
        good.whenComplete((yes, failure) -> {
            boolean begun = connection.loop().tryExecute(() -> {
                if (failure == null && yes) {
                    connection.release(clean -> {
                        if (clean && lease.isLent()) {
                            begin(lease, false); // its owner is the borrower from here on
                        } else {
                            rejected(lease);
                        }
                    });
                } else {
                    connection.close();
                    rejected(lease);
                }
            });
            if (!begun) {
                rejected(lease);
            }
        });
    }

    private void checked(Lease lease) {
        if (lease.isLent() && lease.connection().isClosed()) {
            rejected(lease);
        }
    }

    private void begin(Lease lease, boolean checkIt) {
        if (future.isDone()) {
            lease.giveBack();
        } else if (checkIt) {
            check(lease);
        } else {
            lend(lease);
        }
    }

    /** Once: the connection is of no use, so ask for the next. */
    private void rejected(Lease lease) {
        if (lease.isLent()) {
            lease.reject();
            if (!future.isDone()) {
                ask();
            }
        }
    }

    private void lend(Lease lease) {
        CallbackConnection connection = pool.client.connected(lease.connection(), callbacks);
        CallbackLease lent = new CallbackLease(lease, connection);
        connection.onClose((closed, cause) -> lent.closed());
        connection.life.start(() -> {
            NetparkException failure = connection.isOpen() ? null : connection.life.closed("borrow");
            pool.client.limits().complete(() -> {
                if (failure != null) {
                    lent.discard();
                    future.completeExceptionally(failure);
                } else if (!future.complete(lent)) {
                    lent.discard(); // cancelled at the last moment, and its callbacks have been called
                }
            });
        });
    }

    @Override
    public void failed(NetparkException cause) {
        pool.client.limits().fail(future, cause);
    }
}
