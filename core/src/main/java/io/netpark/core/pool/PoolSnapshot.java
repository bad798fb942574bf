package io.netpark.core.pool;

import java.net.SocketAddress;
import java.util.Map;

/**
 * What a pool holds and has done, at a moment.
 *
 * @param open connections that are established: lent and idle
 * @param idle connections that can be borrowed
 * @param dialing connections that are being dialed
 * @param waiting borrowers who wait
 * @param created connections established, ever
 * @param dialFailures attempts that failed, ever
 * @param borrowed times that a connection was lent, ever
 * @param waited of these, times that the borrower had to wait; those too who waited in vain
 * @param waitedNanos time they have waited, in all
 * @param longestWaitNanos the longest of these times
 * @param timedOut borrowers whose time was over, ever
 * @param evicted connections closed, ever, by the reason
 * @param destinations what there is of each destination
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
     * What there is of one destination.
     *
     * @param failing the last attempt to connect has failed
     */
    public record Part(int open, int idle, int dialing, int waiting, boolean failing) {}

    /** Connections that are lent. */
    public int lent() {
        return open - idle;
    }
}
