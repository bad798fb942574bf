package io.netpark.core.net.streams;

/**
 * Is told when nothing is left of an accepted connection: its descriptor is closed, also the one that lingers after the connection's
 * own close. A count of connections by what they cost gives their place back here.
 *
 * <p>For Netpark's own listeners.
 */
@FunctionalInterface
public interface Departure {

    /**
     * Nothing is left of a connection. Called once, on any thread.
     *
     * @param remote its peer, as a {@link io.netpark.core.sys.SockAddr}
     */
    void gone(byte[] remote);
}
