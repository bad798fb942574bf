package io.netpark.core.report;

import java.util.Map;

/**
 * How dials have ended. Those that were cancelled are not among them.
 *
 * @param connected how long those took that have led to a connection: with the look-up of the name, and with the TLS handshake if there is one
 * @param failed the others, by what they have failed by; a fault that has not been met may be missing
 */
public record Dials(Durations connected, Map<DialFault, Long> failed) {

    /** No dials. */
    public static final Dials NONE = new Dials(Durations.NONE, Map.of());

    /** Copies the map. */
    public Dials {
        failed = Map.copyOf(failed);
    }

    /** How many have failed by this. */
    public long failed(DialFault fault) {
        return failed.getOrDefault(fault, 0L);
    }

    /** These and others. */
    public Dials and(Dials others) {
        return new Dials(connected.and(others.connected), FaultCounts.sum(failed, others.failed));
    }
}
