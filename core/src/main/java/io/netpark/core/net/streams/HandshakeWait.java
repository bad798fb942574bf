package io.netpark.core.net.streams;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;

/**
 * Waits for the end of a connection's TLS handshake, which goes on by itself, and tells of it by a call. Nothing is written
 * meanwhile. A thread or a coroutine has {@link SecureSocket#startHandshake}, and waits in its own way.
 *
 * <p>On the loop of the connection. For Netpark's own adapters.
 */
public abstract class HandshakeWait implements Waiter {

    private final ConnectionDescriptor connection;

    protected HandshakeWait(ConnectionDescriptor connection) {
        this.connection = connection;
    }

    /** Data can be exchanged. */
    protected abstract void established();

    /** It has failed, or the connection was closed meanwhile. */
    protected abstract void failed(Throwable why);

    /** Begins to wait; what it waits for may be there. */
    public final void begin() {
        goOn(false);
    }

    /** Woken. */
    @Override
    public final void run() {
        goOn(true);
    }

    private void goOn(boolean retry) {
        try {
            int outcome = retry ? connection.retryHandshake() : connection.startHandshake();
            while (outcome == Descriptor.PARK) {
                if (connection.park(Direction.WRITE, this)) {
                    return;
                }
                outcome = connection.retryHandshake();
            }
        } catch (Throwable e) {
            failed(e);
            return;
        }
        established();
    }
}
