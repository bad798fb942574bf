package io.netpark.callback.poller;

import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Readiness;

/**
 * What to hear about a descriptor, and how often. An immutable value:
 * {@code Watch.READ}, {@code Watch.READ_WRITE.edgeTriggered()}, {@code Watch.READ.oneShot()}. Errors and hang-ups are
 * always reported.
 */
public final class Watch {

    /** How often readiness is reported. */
    public enum Mode {
        /** Again and again, for as long as it lasts. */
        LEVEL_TRIGGERED,
        /** Once, when it arises; the callback goes on until the system call says EAGAIN. On epoll only. */
        EDGE_TRIGGERED,
        /** Once, and then nothing at all until {@link CallbackPoller#resume} or {@link CallbackPoller#change}. */
        ONE_SHOT
    }

    /** Bytes to read, connections to accept, the end of the stream. */
    public static final Watch READ = new Watch(Interest.READ, Mode.LEVEL_TRIGGERED);
    /** Room to write, a connect that has ended. */
    public static final Watch WRITE = new Watch(Interest.WRITE, Mode.LEVEL_TRIGGERED);
    /** Both. */
    public static final Watch READ_WRITE = new Watch(Interest.READ | Interest.WRITE, Mode.LEVEL_TRIGGERED);

    private final int direction;
    private final Mode mode;

    private Watch(int direction, Mode mode) {
        this.direction = direction;
        this.mode = mode;
    }

    /** The same, reported as long as it lasts. This is what the constants have. */
    public Watch levelTriggered() {
        return new Watch(direction, Mode.LEVEL_TRIGGERED);
    }

    /** The same, reported when it arises. */
    public Watch edgeTriggered() {
        return new Watch(direction, Mode.EDGE_TRIGGERED);
    }

    /** The same, reported once. */
    public Watch oneShot() {
        return new Watch(direction, Mode.ONE_SHOT);
    }

    /** How often readiness is reported. */
    public Mode mode() {
        return mode;
    }

    /** Whether readability is to be reported. */
    public boolean reads() {
        return (direction & Interest.READ) != 0;
    }

    /** Whether writability is to be reported. */
    public boolean writes() {
        return (direction & Interest.WRITE) != 0;
    }

    /** Bits of {@link Interest}. */
    int interest() {
        return direction | switch (mode) {
            case LEVEL_TRIGGERED -> 0;
            case EDGE_TRIGGERED -> Interest.EDGE;
            case ONE_SHOT -> Interest.ONE_SHOT;
        };
    }

    /** Bits of {@link Readiness} that its callback is told of. */
    int reported() {
        return Readiness.HANGUP | Readiness.ERROR | Readiness.POLLER_CLOSED
                | (reads() ? Readiness.READABLE | Readiness.READ_CLOSED : 0) | (writes() ? Readiness.WRITABLE : 0);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Watch watch && watch.direction == direction && watch.mode == mode;
    }

    @Override
    public int hashCode() {
        return interest();
    }

    /** Such as {@code READ|WRITE, EDGE_TRIGGERED}. */
    @Override
    public String toString() {
        return (reads() ? writes() ? "READ|WRITE" : "READ" : "WRITE") + ", " + mode;
    }
}
