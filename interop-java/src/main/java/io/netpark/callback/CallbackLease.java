package io.netpark.callback;

import io.netpark.core.pool.PoolLease;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A connection borrowed from a {@link CallbackPool}: to be given back, or discarded, once.
 *
 * <p>For its callbacks it begins and ends with the lease: connect is called first, disconnect and close last, whoever had it
 * before and gets it after that. Every method may be called by any thread.
 *
 * <pre>
 *   LENT --giveBack, discard--> ENDED
 *   LENT --the connection ends: by its peer, say--> GONE --giveBack: nothing is left to do--> ENDED
 * </pre>
 */
public final class CallbackLease {

    private enum State { LENT, GONE, ENDED }

    private final PoolLease lease;
    private final CallbackConnection connection;
    private final AtomicReference<State> state = new AtomicReference<>(State.LENT);

    CallbackLease(PoolLease lease, CallbackConnection connection) {
        this.lease = lease;
        this.connection = connection;
    }

    /** The connection; it is closed, as far as one can see, when the lease has ended. */
    public CallbackConnection connection() {
        return connection;
    }

    /** Whether it has been neither given back nor discarded. */
    public boolean isLent() {
        return state.get() == State.LENT;
    }

    /**
     * Gives the connection back for the next borrower, as soon as the callback that is running has returned. Every answer that
     * was asked for must have been taken, and every byte sent: {@link CallbackConnection#writeAsync} tells. It is closed instead
     * if anything is left. Without effect if it has been closed meanwhile, by its peer or its callbacks.
     *
     * @throws IllegalStateException if it has been given back or discarded already
     */
    public void giveBack() {
        State before = state.getAndSet(State.ENDED);
        if (before == State.GONE) {
            return;
        }
        if (before == State.ENDED) {
            throw new IllegalStateException(connection + " has been given back to its pool already");
        }
        connection.life.giveBack();
        boolean handsOver = false;
        try {
            handsOver = connection.loop().tryExecute(this::handOver);
        } finally {
            if (!handsOver) { // the loop has ended, or there is no memory for the task
                lease.discard();
            }
        }
    }

    private void handOver() {
        connection.life.release(lease);
    }

    /** Closes the connection: nobody else will get it. Without effect if the lease has ended. */
    public void discard() {
        if (state.getAndSet(State.ENDED) == State.LENT) {
            connection.close();
            lease.discard();
        }
    }

    /** The connection has ended by itself, or by its callbacks. */
    void closed() {
        if (state.compareAndSet(State.LENT, State.GONE)) {
            lease.discard();
        }
    }

    @Override
    public String toString() {
        return "lease of " + connection;
    }
}
