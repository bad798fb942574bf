package io.netpark.core.report;

import java.util.Map;

/**
 * How many connections have ended by what their peers did.
 *
 * @param met how many by each {@linkplain PeerFault kind} of it; a kind that has not been met may be missing
 */
public record PeerFaults(Map<PeerFault, Long> met) {

    /** None of any kind. */
    public static final PeerFaults NONE = new PeerFaults(Map.of());

    /** Copies the map. */
    public PeerFaults {
        met = Map.copyOf(met);
    }

    /** Those of one kind. */
    public long of(PeerFault kind) {
        return met.getOrDefault(kind, 0L);
    }

    /** These and others. */
    public PeerFaults and(PeerFaults others) {
        return new PeerFaults(FaultCounts.sum(met, others.met));
    }
}
