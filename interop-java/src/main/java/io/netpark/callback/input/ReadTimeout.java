package io.netpark.callback.input;

import io.netpark.core.fd.Direction;

/** The time a peer has for a byte, while one is expected of it. The loop does it all, so that what is set last is what holds. */
final class ReadTimeout {

    private final Input input;
    /** 0 for ever. */
    private volatile long nanos;
    /** A worker is at the bytes, so it is not the peer's turn. Loop's thread only. */
    private boolean unexpected;

    ReadTimeout(Input input, long nanos) {
        this.input = input;
        this.nanos = nanos;
    }

    /** From any thread. */
    void set(long nanos) {
        this.nanos = nanos;
        if (input.loop().inLoop()) {
            changed();
        } else {
            input.loop().tryExecute(this::changed);
        }
    }

    private void changed() {
        if (!input.ending.isOpen()) {
            return; // the socket may be another's by now
        }
        if (nanos == 0) {
            input.core.clearDeadline(Direction.READ);
        } else if (!input.isPaused()) {
            start();
        }
    }

    /** From now on a byte is expected. From any thread. */
    void start() {
        if (nanos == 0) {
            return;
        }
        if (input.loop().inLoop()) {
            begin();
        } else {
            input.loop().tryExecute(this::begin);
        }
    }

    private void begin() {
        long time = nanos;
        if (time > 0 && !unexpected && input.ending.isOpen()) { // or the socket may be another's by now
            input.core.setDeadline(Direction.READ, input.loop().clock().after(time));
        }
    }

    /** It is not the peer's turn. */
    void unexpect() {
        unexpected = true;
        if (nanos > 0 && input.ending.isOpen()) {
            input.core.clearDeadline(Direction.READ);
        }
    }

    /** It is the peer's turn, though a callback is running. */
    void expect() {
        unexpected = false;
        start();
    }
}
