package io.netpark.callback;

import io.netpark.core.fd.Direction;

/** The time a peer has for a byte, while one is expected of it. The loop does it all, so that what is set last is what holds. */
final class ReadTimeout {

    private final CallbackConnection connection;
    /** 0 for ever. */
    private volatile long nanos;
    /** A worker is at the bytes, so it is not the peer's turn. Loop's thread only. */
    private boolean unexpected;

    ReadTimeout(CallbackConnection connection, long nanos) {
        this.connection = connection;
        this.nanos = nanos;
    }

    /** From any thread. */
    void set(long nanos) {
        this.nanos = nanos;
        if (connection.loop().inLoop()) {
            changed();
        } else {
            connection.loop().tryExecute(this::changed);
        }
    }

    private void changed() {
        if (!connection.isOpen()) {
            return; // the socket may be another's by now
        }
        if (nanos == 0) {
            connection.core.clearDeadline(Direction.READ);
        } else if (!connection.input.isPaused()) {
            start();
        }
    }

    /** From now on a byte is expected. From any thread. */
    void start() {
        if (nanos == 0) {
            return;
        }
        if (connection.loop().inLoop()) {
            begin();
        } else {
            connection.loop().tryExecute(this::begin);
        }
    }

    private void begin() {
        long time = nanos;
        if (time > 0 && !unexpected && connection.isOpen()) { // or the socket may be another's by now
            connection.core.setDeadline(Direction.READ, connection.loop().clock().after(time));
        }
    }

    /** It is not the peer's turn. */
    void unexpect() {
        unexpected = true;
        if (nanos > 0 && connection.isOpen()) {
            connection.core.clearDeadline(Direction.READ);
        }
    }

    /** It is the peer's turn, though a callback is running. */
    void expect() {
        unexpected = false;
        start();
    }
}
