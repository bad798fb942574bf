package io.netpark.callback.pool;

import io.netpark.callback.lifecycle.Lifecycle;
import io.netpark.core.pool.PoolLease;
import java.util.concurrent.CompletionStage;

/**
 * Makes of what the pool below lends what users hold. On the loop of the connection.
 *
 * @param <L> a lease as users have it
 */
public interface Lender<L> {

    /** A connection without callbacks, that is to be asked whether it is good. */
    interface Check {

        Lifecycle life();

        /** Asks. Runs user code. */
        CompletionStage<Boolean> ask() throws Exception;
    }

    Check check(PoolLease lease);

    L lend(PoolLease lease);

    Lifecycle life(L lent);

    /** Nobody gets the lease: closes its connection. From any thread. */
    void discard(L lent);

    /** The connection of the lease has ended. */
    void closed(L lent);
}
