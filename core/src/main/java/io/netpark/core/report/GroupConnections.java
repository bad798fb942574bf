package io.netpark.core.report;

import java.util.List;

/**
 * The connections of a group, as each loop has found its own one after another. Those that were opened or closed meanwhile may be missing
 * or not; each of the others is here once.
 *
 * @param connections loop by loop
 * @param silent names of the loops that have not told all of theirs in time: something holds them, or there is no memory. What they had
 *     told by then is among the connections
 */
public record GroupConnections(List<ConnectionSnapshot> connections, List<String> silent) {

    /** Copies the lists. */
    public GroupConnections {
        connections = List.copyOf(connections);
        silent = List.copyOf(silent);
    }
}
