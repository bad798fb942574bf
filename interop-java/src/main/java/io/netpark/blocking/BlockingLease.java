package io.netpark.blocking;

import io.netpark.core.pool.PoolLease;

/**
 * A connection borrowed from a {@link BlockingPool}: to be given back, or discarded, once. {@link BlockingPool#use} does that by itself.
 *
 * <pre>{@code
 * try (BlockingLease lease = pool.borrow(address)) {
 *     ask(lease.connection());
 *     lease.giveBack(); // and if that is not reached, closing the lease discards it
 * }
 * }</pre>
 *
 * <p>Every method may be called by any thread; but giving it back must not race with operations on the connection.
 */
public final class BlockingLease implements AutoCloseable {

    private final PoolLease lease;
    private final BlockingConnection connection;
    private boolean ended;

    BlockingLease(PoolLease lease, BlockingConnection connection) {
        this.lease = lease;
        this.connection = connection;
    }

    /** The connection. It is the borrower's until the lease ends; operations on it fail with {@link IllegalStateException} then. */
    public BlockingConnection connection() {
        return connection;
    }

    /** Whether it has been neither given back nor discarded. */
    public synchronized boolean isLent() {
        return !ended && lease.isLent();
    }

    /**
     * Gives the connection back for the next borrower. Every answer that was asked for must have been read. It is closed instead if
     * anything is left: bytes unread or unsent, an operation in progress, an output that has ended; by a reset if something of this
     * side is cut off by that, as {@link BlockingConnection#close} does. Deadlines and timeouts are taken away; socket options stay as
     * they are.
     *
     * @throws IllegalStateException if it has been given back or discarded already
     */
    public void giveBack() {
        if (!end()) {
            throw new IllegalStateException(refusal());
        }
        if (connection.endLease(refusal())) {
            lease.giveBack();
        } else {
            lease.discard();
        }
    }

    /** Closes the connection: nobody else will get it. Without effect if the lease has ended. */
    public void discard() {
        if (end()) {
            try {
                connection.endLease(refusal());
            } finally {
                lease.discard();
            }
        }
    }

    /** As {@link #discard}. */
    @Override
    public void close() {
        discard();
    }

    /** A check does not want it. */
    void reject() {
        if (end()) {
            try {
                connection.endLease(refusal());
            } finally {
                lease.reject();
            }
        }
    }

    /**
     * A check had it. If nothing of that is left, it is the borrower's: as it was lent, and out of reach of whatever the check has kept.
     *
     * @return false if it is of no use
     */
    boolean endsCheck() {
        if (!end()) {
            return false;
        }
        if (connection.endLease(refusal())) {
            lease.passedCheck();
            return true;
        }
        lease.reject();
        return false;
    }

    private synchronized boolean end() {
        boolean first = !ended;
        ended = true;
        return first;
    }

    private String refusal() {
        return connection + " has been given back to its pool; borrow one again";
    }

    @Override
    public String toString() {
        return lease.toString();
    }
}
