package io.netpark.core.net.listening;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Unowned;

/**
 * A peer that has been accepted and let in, and that no loop can watch yet: the kernel has no memory for that, or the user has no
 * registration left. The next accept tries again. So nobody who comes then is lost, as nobody is while descriptors run out.
 *
 * <pre>
 *   nobody --keep--> somebody --take--> nobody
 * </pre>
 *
 * Made before anybody comes: keeping somebody needs no memory. Belongs to whoever holds the read lock, and then to the end of the
 * listener.
 */
final class Unwatched {

    private static final byte[] NOBODY = {};

    private final LibC libc;
    private final Unowned socket;
    private byte[] remote = NOBODY;
    private boolean hasOptions;

    Unwatched(LibC libc) {
        this.libc = libc;
        this.socket = new Unowned(libc);
    }

    boolean isSomebody() {
        return socket.isHeld();
    }

    /** While there is nobody. */
    void keep(Unowned accepted, byte[] remote, boolean hasOptions) {
        this.remote = remote;
        this.hasOptions = hasOptions;
        socket.hold(accepted.release());
    }

    /** Hands the socket over. */
    void take(Unowned into) {
        into.hold(socket.release());
    }

    /** Whoever is here is reset, as those who wait in the backlog are by the end of the listener. */
    void reset() {
        ListeningSocket.reset(libc, socket);
    }

    /** The address of whoever is or was here last. */
    byte[] remote() {
        return remote;
    }

    /** Whether that socket has got its options. */
    boolean hasOptions() {
        return hasOptions;
    }
}
