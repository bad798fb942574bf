package io.netpark.core.report;

import io.netpark.core.sys.NetparkException;

/** Why a dial has not led to a connection. Of several addresses that have failed, what the first has failed by. */
public enum DialFault {
    /** Nobody listens there, or a firewall says so. */
    REFUSED,
    /** Nobody has answered in time: the peer, its handshake or the resolver. */
    TIMED_OUT,
    /** The network has no way there. */
    UNREACHABLE,
    /** The resolver knows no address of that name, or has failed. */
    UNKNOWN_HOST,
    /** The peer, or something between, has ended the connection during the dial. */
    RESET,
    /** The TLS handshake has failed. */
    TLS,
    /** This process, or the system, has no descriptor for another socket. */
    NO_DESCRIPTORS,
    /** Anything else: the event loop was closed, there was no memory, an option was refused. */
    OTHER;

    /** Which of these a dial has failed by. */
    public static DialFault of(Throwable cause) {
        if (cause instanceof NetparkException.Refused) {
            return REFUSED;
        } else if (cause instanceof NetparkException.TimedOut) {
            return TIMED_OUT;
        } else if (cause instanceof NetparkException.Unreachable) {
            return UNREACHABLE;
        } else if (cause instanceof NetparkException.UnknownHost) {
            return UNKNOWN_HOST;
        } else if (cause instanceof NetparkException.Reset) {
            return RESET;
        } else if (cause instanceof NetparkException.TlsFailure) {
            return TLS;
        } else if (cause instanceof NetparkException.TooManyDescriptors) {
            return NO_DESCRIPTORS;
        }
        return OTHER;
    }
}
