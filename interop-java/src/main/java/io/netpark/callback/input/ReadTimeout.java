package io.netpark.callback.input;

import io.netpark.callback.state.Ending;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;

/** The time a peer has for a byte, while one is expected of it. The loop does it all, so that what is set last is what holds. */
final class ReadTimeout {

    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final Ending ending;
    private final Input input;
    /** 0 for ever. */
    private volatile long nanos;
    /** A worker is at the bytes, so it is not the peer's turn. Loop's thread only. */
    private boolean unexpected;

    ReadTimeout(Input input, ConnectionDescriptor core, Ending ending, long nanos) {
        this.input = input;
        this.core = core;
        this.loop = core.loop();
        this.ending = ending;
        this.nanos = nanos;
    }

    /** From any thread. */
    void set(long nanos) {
        this.nanos = nanos;
        if (loop.inLoop()) {
            changed();
        } else {
            loop.tryExecute(this::changed);
        }
    }

    private void changed() {
        if (!ending.isOpen()) {
            return; // the socket may be another's by now
        }
        if (nanos == 0) {
            core.clearDeadline(Direction.READ);
        } else if (!input.isPaused()) {
            start();
        }
    }

    /** From now on a byte is expected. From any thread. */
    void start() {
        if (nanos == 0) {
            return;
        }
        if (loop.inLoop()) {
            begin();
        } else {
            loop.tryExecute(this::begin);
        }
    }

    private void begin() {
        long time = nanos;
        if (time > 0 && !unexpected && ending.isOpen()) { // or the socket may be another's by now
            core.setDeadline(Direction.READ, loop.clock().after(time));
        }
    }

    /** It is not the peer's turn. */
    void unexpect() {
        unexpected = true;
        if (nanos > 0 && ending.isOpen()) {
            core.clearDeadline(Direction.READ);
        }
    }

    /** It is the peer's turn, though a callback is running. */
    void expect() {
        unexpected = false;
        start();
    }
}
