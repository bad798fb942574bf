package io.netpark.bench.jmh;

import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** Borrows and gives back on the thread that calls it, which is at once if a connection is idle. */
final class Borrower implements Pool.Borrower {

    private volatile @Nullable PoolLease lease;
    private volatile @Nullable NetparkException failure;

    void borrowAndGiveBack(CorePool pool) {
        lease = null;
        pool.borrow(this);
        PoolLease lent = lease;
        while (lent == null) { // the first, which has to be dialed
            if (failure != null) {
                throw new IllegalStateException(failure);
            }
            Thread.onSpinWait();
            lent = lease;
        }
        lent.giveBack();
    }

    @Override
    public void lent(PoolLease lease) {
        this.lease = lease;
    }

    @Override
    public void failed(NetparkException cause) {
        failure = cause;
    }
}
