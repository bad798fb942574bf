package io.netpark.core.report;

import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a connection was like at an instant, on its own loop. The values are read one after another while other threads may be using
 * it, so they agree with each other only roughly.
 *
 * @param loop the name of the loop that it lives on
 * @param peer the peer's address, also of a connection that is not established yet
 * @param local the address of this side, if somebody has asked for it before; looking does not ask the kernel
 * @param state how far it has come
 * @param tls protocol and cipher suite, such as {@code TLSv1.3 TLS_AES_128_GCM_SHA256}; null without TLS, and before the end of its
 *     handshake
 * @param age since it was accepted, dialed or adopted
 * @param idle since the kernel last sent or received data of it; null where the kernel does not know, as for unix sockets
 * @param bytesIn that this side has read; with TLS, of data and not of records
 * @param bytesOut that the kernel has taken from this side; with TLS, of data and not of records
 * @param pendingOutput bytes that were written and that the kernel has not taken: in a writer, in callbacks' output, in frames that
 *     nobody waits for, in records
 * @param limits how long it may be silent, and its operations may take
 * @param handler whose it is: the class of a coroutine's handler, or of callbacks; null if nobody has said so
 * @param parked who waits for it, at most one to read and one to write
 */
public record ConnectionSnapshot(
        String loop,
        SocketAddress peer,
        @Nullable SocketAddress local,
        State state,
        @Nullable String tls,
        Duration age,
        @Nullable Duration idle,
        long bytesIn,
        long bytesOut,
        long pendingOutput,
        TimeLimits limits,
        @Nullable String handler,
        List<ParkedOperation> parked) {

    /** Copies the list. */
    public ConnectionSnapshot {
        parked = List.copyOf(parked);
    }

    /** How far a connection has come. */
    public enum State {
        /** It was dialed, and the peer has not answered. */
        CONNECTING,
        /** Its TLS handshake goes on. */
        HANDSHAKE,
        /** Both sides may send. */
        OPEN,
        /** The peer has ended its output, or has closed the connection and nothing was sent to it since. */
        HALF_CLOSED,
        /** It is over, and not closed here yet: it was reset, or has ended in both directions. */
        GONE
    }

    /**
     * How long a connection may be silent, and its operations may take.
     *
     * @param readDeadline how long until the read deadline, negative once it has passed; null without one
     * @param writeDeadline as for reading
     * @param readTimeout null without one
     * @param writeTimeout null without one
     * @param idleTimeout null without one
     */
    public record TimeLimits(
            @Nullable Duration readDeadline,
            @Nullable Duration writeDeadline,
            @Nullable Duration readTimeout,
            @Nullable Duration writeTimeout,
            @Nullable Duration idleTimeout) {}

    /** A connection that can be looked at. For Netpark's own. */
    public interface Source {

        /**
         * Reads what belongs to the connection's loop, on which this is called, and does not take long.
         *
         * @return the rest, which may take longer, for any other thread; null if the connection is closed
         */
        @Nullable Supplier<ConnectionSnapshot> look();
    }
}
