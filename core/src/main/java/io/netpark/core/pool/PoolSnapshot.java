package io.netpark.core.pool;

import java.net.SocketAddress;
import java.util.Map;

/**
 * What a pool holds and has done, at one moment.
 *
 * @param open connections that are established: lent and idle
 * @param idle connections that can be borrowed
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

    /** Connections that are lent. */
    public int lent() {
        return open - idle;
    }
}
