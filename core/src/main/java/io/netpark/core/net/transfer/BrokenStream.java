package io.netpark.core.net.transfer;

import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * A stream that has broken instead of ending. It is passed on as one: the connection that it was copied to is reset when it is closed,
 * so that its peer does not take what it has got for the whole.
 */
final class BrokenStream {

    private BrokenStream() {}

    /** Whether a stream has ended without its end, and nobody here has done that. */
    static boolean isOne(@Nullable Exception failure) {
        return failure instanceof NetparkException.Reset || failure instanceof NetparkException.Unreachable
                || failure instanceof NetparkException.SystemError
                || failure instanceof NetparkException.Truncated || failure instanceof NetparkException.TlsFailure // of TLS
                || failure instanceof NetparkException.TimedOut timedOut && timedOut.timeout() == NetparkException.Timeout.PEER;
    }

    static void passOn(ConnectionDescriptor connection) {
        try {
            connection.resetOnClose();
        } catch (NetparkException e) {
            // It is closed already.
        }
    }
}
