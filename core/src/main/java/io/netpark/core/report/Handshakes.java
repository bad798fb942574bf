package io.netpark.core.report;

import io.netpark.core.sys.NetparkException.TlsFault;
import java.util.EnumMap;
import java.util.Map;

/**
 * How TLS handshakes have ended, of accepted and of dialed connections.
 *
 * @param finished those after which data could be exchanged
 * @param resumed those among them that have resumed an earlier session
 * @param nanos how long the finished ones took, in all
 * @param timedOut those that were not over in time
 * @param failed the others, by what was wrong; a fault that has not been met may be missing
 */
public record Handshakes(long finished, long resumed, long nanos, long timedOut, Map<TlsFault, Long> failed) {

    /** No handshakes. */
    public static final Handshakes NONE = new Handshakes(0, 0, 0, 0, Map.of());

    public Handshakes {
        failed = Map.copyOf(failed);
    }

    /** How many have failed so. */
    public long failed(TlsFault fault) {
        return failed.getOrDefault(fault, 0L);
    }

    /** These and others. */
    public Handshakes and(Handshakes others) {
        Map<TlsFault, Long> sums = new EnumMap<>(TlsFault.class);
        sums.putAll(failed);
        others.failed.forEach((fault, count) -> sums.merge(fault, count, Long::sum));
        return new Handshakes(finished + others.finished, resumed + others.resumed, nanos + others.nanos, timedOut + others.timedOut, sums);
    }
}
