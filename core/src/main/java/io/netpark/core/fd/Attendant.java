package io.netpark.core.fd;

import org.jspecify.annotations.Nullable;

/**
 * What an adapter knows of a connection, and the connection itself does not. It is asked on the connection's loop, and only when somebody
 * looks. For Netpark's own adapters.
 */
public interface Attendant {

    /** How many bytes were written and are not with the connection yet. Roughly, if another thread is writing. */
    long pendingOutput();

    /** Whose the connection is: the class of a handler, or of callbacks; null if it has none. Asked on any thread. */
    @Nullable String handler();
}
