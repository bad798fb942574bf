package io.netpark.core.report;

import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * What a peer can do to its own connection. It is counted and not {@linkplain Reporter reported}: an operator can do nothing about
 * a single one, and can see from the numbers whether there are many.
 */
public enum PeerFault {
    /** It reset the connection, or was gone while there were bytes for it. */
    RESET,
    /** It was silent, or did not take what was sent, for longer than a deadline allowed. */
    TIMED_OUT,
    /** It ended the stream in the middle of something. */
    TRUNCATED,
    /** It sent more than a limit allows. */
    LIMIT,
    /** It broke the rules of TLS after the handshake: a record that was changed on its way, say, or an alert. */
    TLS;

    /** Which of these an exception tells of; null if it is about something else, and has to be reported. */
    public static @Nullable PeerFault of(Throwable cause) {
        if (cause instanceof NetparkException.Reset) {
            return RESET;
        } else if (cause instanceof NetparkException.TimedOut timedOut) {
            return switch (timedOut.timeout()) {
                case READ, WRITE, IDLE, PEER, EXCHANGE, HANDSHAKE -> TIMED_OUT;
                case CONNECT, BORROW, ACCEPT -> null; // of no connection that is there
            };
        } else if (cause instanceof NetparkException.Truncated) {
            return TRUNCATED;
        } else if (cause instanceof NetparkException.LimitExceeded) {
            return LIMIT;
        } else if (cause instanceof NetparkException.TlsFailure) {
            return TLS;
        }
        return null;
    }
}
