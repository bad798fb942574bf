package io.netpark.blocking;

import io.netpark.core.pool.CheckedBorrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A borrower that is a thread. */
final class BlockingBorrow implements Pool.Borrower {

    private final CompletableFuture<PoolLease> lent = new CompletableFuture<>();

    private BlockingBorrow() {}

    /** Waits until there is a connection, or the time of the wish is over. */
    static PoolLease await(CheckedBorrow wish, Clock clock) throws IOException {
        BlockingBorrow borrower = new BlockingBorrow();
        wish.ask(borrower);
        try {
            clock.awaits(Due.FOREVER, borrower.lent::isDone);
            return borrower.lent.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (!wish.cancel()) {
                borrower.giveUp();
            }
            throw new InterruptedIOException("interrupted while it waited to " + wish);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NetparkException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /** It has been answered, or is being answered at this moment. */
    private void giveUp() {
        if (!lent.cancel(false) && !lent.isCompletedExceptionally()) {
            lent.join().giveBack();
        }
    }

    @Override
    public void lent(PoolLease lease) {
        if (!lent.complete(lease)) {
            lease.giveBack();
        }
    }

    @Override
    public void failed(NetparkException cause) {
        lent.completeExceptionally(cause);
    }
}
