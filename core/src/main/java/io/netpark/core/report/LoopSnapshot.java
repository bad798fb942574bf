package io.netpark.core.report;

/**
 * What a loop has counted up to an instant, or the sums of several. The values are read one after another while the loop
 * goes on, so they agree with each other only roughly.
 *
 * @param name the loop's, or the group's
 * @param connections open now
 * @param connectionsEver opened since the beginning, accepted, dialed or adopted
 * @param bytesIn read from connections
 * @param bytesOut written to connections
 * @param bytesDropped put into a connection's output and never written, because its handler failed or it was closed
 * @param refused connections that were reset because an admission limit was reached
 * @param peerFaults connections that their peers have ended, by kind
 * @param handshakes TLS handshakes, by how they have ended
 * @param acceptPauses how often descriptors or memory ran out while accepting
 * @param descriptors watched now, listeners and others included
 * @param parked operations that wait for readiness now
 * @param pendingTasks queued now
 * @param tasks run
 * @param pendingTimers armed, when the last turn ended
 * @param wakeups eventfd writes of other threads to wake the loop
 * @param turns waits that have returned
 * @param events descriptors that were found ready; divided by the turns, how busy a turn is
 * @param busyNanos time between waits, in nanoseconds: handlers, tasks and timers
 * @param zeroCopySends writes that lent their bytes to the kernel
 * @param zeroCopyCopied such writes that the kernel copied all the same
 */
public record LoopSnapshot(
        String name,
        long connections,
        long connectionsEver,
        long bytesIn,
        long bytesOut,
        long bytesDropped,
        long refused,
        PeerFaults peerFaults,
        Handshakes handshakes,
        long acceptPauses,
        long descriptors,
        long parked,
        long pendingTasks,
        long tasks,
        long pendingTimers,
        long wakeups,
        long turns,
        long events,
        long busyNanos,
        long zeroCopySends,
        long zeroCopyCopied) {}
