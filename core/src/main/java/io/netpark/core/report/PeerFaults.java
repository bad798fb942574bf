package io.netpark.core.report;

/**
 * How many connections have ended by what their peers did, by its {@linkplain PeerFault kind}.
 *
 * @param reset of {@link PeerFault#RESET}
 * @param timedOut of {@link PeerFault#TIMED_OUT}
 * @param truncated of {@link PeerFault#TRUNCATED}
 * @param limit of {@link PeerFault#LIMIT}
 * @param tls of {@link PeerFault#TLS}
 */
public record PeerFaults(long reset, long timedOut, long truncated, long limit, long tls) {

    /** None of any kind. */
    public static final PeerFaults NONE = new PeerFaults(0, 0, 0, 0, 0);

    /** Those of one kind. */
    public long of(PeerFault kind) {
        return switch (kind) {
            case RESET -> reset;
            case TIMED_OUT -> timedOut;
            case TRUNCATED -> truncated;
            case LIMIT -> limit;
            case TLS -> tls;
        };
    }
}
