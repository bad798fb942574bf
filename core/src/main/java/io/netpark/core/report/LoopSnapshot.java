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
 * @param handlerFailures handlers and callbacks of connections that have failed by anything else than what the peer did to the connection:
 *     by an error of the program, by another connection, or because they could not be run
 * @param handshakes TLS handshakes, by how they have ended
 * @param dials dials, by how they have ended
 * @param lookUps how long resolvers took to answer dials, with addresses or without; what a dial did not wait for is not among them
 * @param lives how long connections lived that are gone: from accept(2), connect(2) or their adoption until they were closed or given away
 *     here. A dialed connection that was never established had no life
 * @param acceptPauses how often descriptors or memory ran out while accepting
 * @param descriptors watched now, listeners and others included
 * @param parked operations that wait for readiness now
 * @param pendingTasks queued now
 * @param tasks run
 * @param pendingTimers armed, when the last turn ended
 * @param wakeups eventfd writes of other threads to wake the loop
 * @param turns how long the loop took from a wait's return to the next wait: handlers, tasks and timers. Their sum is the time that it was
 *     busy. What becomes ready during a turn is found by the wait after it
 * @param events descriptors that were found ready; divided by the turns, how busy a turn is
 * @param delays how long what was found ready had to wait for its turn, from the return of the wait to the moment when the loop ran what was
 *     parked there. How long it had been ready before the wait returned, nobody knows: at most the turn before, unless the loop was asleep
 * @param runs how long the loop ran what was parked on a descriptor that was found ready, each time: a coroutine from its resumption until it
 *     suspends, callbacks until the last of them has returned, an accept with what it begins. System calls of theirs are part of it; tasks and
 *     timers are not among these
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
        long handlerFailures,
        Handshakes handshakes,
        Dials dials,
        Durations lookUps,
        Durations lives,
        long acceptPauses,
        long descriptors,
        long parked,
        long pendingTasks,
        long tasks,
        long pendingTimers,
        long wakeups,
        Durations turns,
        long events,
        Durations delays,
        Durations runs,
        long zeroCopySends,
        long zeroCopyCopied) {}
