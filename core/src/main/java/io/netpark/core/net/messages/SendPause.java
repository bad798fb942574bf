package io.netpark.core.net.messages;

import io.netpark.core.fd.Direction;
import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Clock;
import java.util.concurrent.TimeUnit;

/**
 * Tries again to send after a while, where the kernel does not report when it can: the queue of a unix datagram socket is full
 * that this one is not connected to (its reader wakes only sockets that are), or a network device has no buffers (ENOBUFS of
 * send(2)). The pauses of an episode grow.
 *
 * <pre>
 *   idle --could not send--> pausing --time is over--> idle, the operation is nudged
 * </pre>
 *
 * Belongs to the operation that holds the write lock, but for the timer.
 */
final class SendPause {

    static final long FIRST = TimeUnit.MICROSECONDS.toNanos(500);
    static final long LAST = TimeUnit.MILLISECONDS.toNanos(16);

    private final Clock clock;
    private final Timer timer;
    /** The last pause of this episode; 0 if the last message could be sent. */
    private long nanos;

    SendPause(MessageOutput socket) {
        clock = socket.loop().clock();
        timer = socket.loop().newTimer(() -> socket.nudge(Direction.WRITE));
    }

    void begin() {
        nanos = nanos == 0 ? FIRST : Math.min(2 * nanos, LAST);
        timer.arm(clock.after(nanos));
    }

    void end() {
        nanos = 0;
    }

    boolean isPausing() {
        return nanos > 0;
    }

    void stop() {
        timer.disarm();
    }
}
