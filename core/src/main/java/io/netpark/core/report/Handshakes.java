package io.netpark.core.report;

import io.netpark.core.sys.NetparkException.TlsFault;
import java.util.Map;

/**
 * How TLS handshakes have ended, of accepted and of dialed connections.
 *
 * @param durations how long those took after which data could be exchanged
 * @param resumed those among them that have resumed an earlier session
 * @param timedOut those that were not over in time
 * @param failed the others, by what was wrong; a fault that has not been met may be missing
 */
public record Handshakes(Durations durations, long resumed, long timedOut, Map<TlsFault, Long> failed) {

    /** No handshakes. */
    public static final Handshakes NONE = new Handshakes(Durations.NONE, 0, 0, Map.of());

    /** Copies the map. */
    public Handshakes {
        failed = Map.copyOf(failed);
    }

    /** How many there were after which data could be exchanged. */
    public long finished() {
        return durations.count();
    }

    /** How many have failed so. */
    public long failed(TlsFault fault) {
        return failed.getOrDefault(fault, 0L);
    }

    /** These and others. */
    public Handshakes and(Handshakes others) {
        return new Handshakes(durations.and(others.durations), resumed + others.resumed, timedOut + others.timedOut,
                FaultCounts.sum(failed, others.failed));
    }
}
