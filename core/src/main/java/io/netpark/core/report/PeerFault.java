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
    /** It was silent for longer than the timeout or the deadline of a read allowed. */
    READ_TIMED_OUT,
    /** It did not take what was sent for longer than the timeout or the deadline of a write allowed. */
    WRITE_TIMED_OUT,
    /** It neither sent nor took anything for longer than the idle timeout allowed. */
    IDLE_TIMED_OUT,
    /** A stretch of an exchange, such as a login or a handshake, took longer than the program gave it. */
    EXCHANGE_TIMED_OUT,
    /** It acknowledged nothing, and answered no keepalive probe, for as long as the kernel waits. */
    PEER_TIMED_OUT,
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
                case READ -> READ_TIMED_OUT;
                case WRITE -> WRITE_TIMED_OUT;
                case IDLE -> IDLE_TIMED_OUT;
                case EXCHANGE, HANDSHAKE -> EXCHANGE_TIMED_OUT;
                case PEER -> PEER_TIMED_OUT;
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
