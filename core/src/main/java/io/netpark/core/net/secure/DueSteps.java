package io.netpark.core.net.secure;

import io.netpark.core.loop.EventLoop;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The steps of handshakes that are due on one event loop. A step computes for long: a key exchange, and with engines that have no tasks,
 * as Conscrypt's, a signature as well, which makes it two to six milliseconds. When many peers come at once there is a step for each of
 * them. So a turn of the loop goes on with steps for {@link #NANOS_A_TURN} only. The rest wait, in the order in which they came, until
 * everybody else on the loop has had a turn.
 *
 * <pre>
 *   nothing due --add--> a task of the loop --it runs, time is over--> a task of the loop
 *                                           --it runs, none is left--> nothing due
 *   where there is no memory for a task: a turn at once
 * </pre>
 *
 * Loop's thread only. Allocates nothing: a handshake has at most one step due, and is the link of the queue itself. A step that is due
 * always runs, or its connection is closed: nothing else would wake it.
 */
final class DueSteps implements Runnable {

    /** By the loop's clock. The step in which it ends is the last of the turn. */
    static final long NANOS_A_TURN = TimeUnit.MILLISECONDS.toNanos(5);

    private static final ThreadLocal<DueSteps> OF_LOOP = new ThreadLocal<>();

    private final EventLoop loop;
    private @Nullable Handshake first;
    private @Nullable Handshake last;
    private int count;
    /** A task of the loop goes on with them. */
    private boolean queued;
    /** A turn goes on, whose end sees to those that come meanwhile. */
    private boolean running;

    private DueSteps(EventLoop loop) {
        this.loop = loop;
    }

    /**
     * Those of this loop; to be called on it.
     *
     * @throws OutOfMemoryError if it has none yet, and there is no memory for them
     */
    static DueSteps of(EventLoop loop) {
        DueSteps steps = OF_LOOP.get();
        if (steps == null) {
            steps = new DueSteps(loop);
            OF_LOOP.set(steps);
        }
        return steps;
    }

    /** A step of this handshake is due. */
    void add(Handshake handshake) {
        if (!handshake.isDue) {
            handshake.isDue = true;
            count++;
            if (last == null) {
                first = handshake;
            } else {
                last.next = handshake;
            }
            last = handshake;
        }
        if (!running) {
            goOn();
        }
    }

    /** Sees to it that those that are due have their turn. */
    private void goOn() {
        Throwable thrown = null;
        while (first != null && !queue()) {
            try {
                turn();
            } catch (RuntimeException | Error e) { // those behind it are still due
                thrown = e;
            }
        }
        if (thrown instanceof Error error) {
            throw error;
        } else if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Has a task of the loop go on. Returns false if there is no memory for one. */
    private boolean queue() {
        if (!queued) {
            queued = true; // first: a loop at its very end runs it at once
            try {
                loop.wake(this);
            } catch (OutOfMemoryError e) {
                queued = false;
                return false;
            }
        }
        return true;
    }

    private Handshake take() {
        Handshake taken = first;
        assert taken != null;
        first = taken.next;
        if (first == null) {
            last = null;
        }
        taken.next = null;
        taken.isDue = false;
        count--;
        return taken;
    }

    /** Whatever a step throws, the others follow in the next turn. */
    @Override
    public void run() {
        queued = false;
        try {
            turn();
        } finally {
            goOn();
        }
    }

    private void turn() {
        running = true;
        long began = loop.clock().nanoTime();
        try {
            // Those that are due by now: one that is due again at once lets others have their turn.
            for (int left = count; left > 0; left--) {
                take().step();
                EventLoop.leaveUserCode(); // a trust manager's, say
                if (loop.clock().nanoTime() - began >= NANOS_A_TURN) {
                    break;
                }
            }
        } finally {
            running = false;
        }
    }
}
