package io.netpark.core.pool;

import java.net.SocketAddress;
import java.util.Map;

/**
 * What a pool holds and has done, at one moment: {@link #open} is what was {@link #created} and not {@link #evicted}, and each open
 * connection is idle or lent. A connection that is closed leaves these numbers when it is, and not before.
 *
 * @param open connections that are established: lent and idle
 * @param idle connections that no borrower has: those that can be borrowed, and those that the pool is looking at or closing
 * @param dialing connections that are being dialed
 * @param waiting borrowers that wait
 * @param created connections established, ever
 * @param dialFailures attempts that failed, ever
 * @param borrowed times that a connection was lent, ever
 * @param waited times that a borrower had to wait, in vain or not, ever
 * @param waitedNanos the sum of these waits
 * @param longestWaitNanos the longest of these waits
 * @param timedOut borrowers whose time ran out, ever
 * @param evicted connections closed, ever, by reason
 * @param destinations the connections and borrowers of each destination
 */
public record PoolSnapshot(
        int open,
        int idle,
        int dialing,
        int waiting,
        long created,
        long dialFailures,
        long borrowed,
        long waited,
        long waitedNanos,
        long longestWaitNanos,
        long timedOut,
        Map<Eviction, Long> evicted,
        Map<SocketAddress, Part> destinations) {

    /**
     * The connections and borrowers of one destination.
     *
     * @param failing the last attempt to connect has failed
     */
    public record Part(int open, int idle, int dialing, int waiting, boolean failing) {}

    /** Connections that borrowers have. */
    public int lent() {
        return open - idle;
    }
}
