package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How far an event loop has come in its life, why it ends, and the wait for its end. Any thread. */
final class Lifetime {

    private static final int RUNNING = 0;
    private static final int CLOSING = 1;
    private static final int CLOSED = 2;
    private static final int HANDED_OVER = 3;

    /** How often a thread that waits for the end of a loop looks whether that can come. */
    private static final long EXIT_LOOK = TimeUnit.MILLISECONDS.toNanos(100);

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Lifetime.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * <pre>
     *   RUNNING --beginClosing(), fail()--> CLOSING --closed()--> CLOSED --handOver()--> HANDED_OVER
     * </pre>
     *
     * A CLOSING loop still takes tasks, a CLOSED loop takes those of other threads, and a loop that is HANDED_OVER takes none.
     */
    private volatile int state = RUNNING;
    /** Set once, while RUNNING: the loop begins to close by itself when it has nothing left. */
    private volatile boolean retiring;
    private volatile @Nullable Throwable failure;
    /** Open until the loop's thread has done its last. */
    private final CountDownLatch ended = new CountDownLatch(1);

    boolean isRunning() {
        return state == RUNNING;
    }

    boolean isClosed() {
        return state >= CLOSED;
    }

    boolean isRetiring() {
        return retiring;
    }

    void retire() {
        retiring = true;
    }

    /** Whether this call was the first. */
    boolean beginClosing() {
        return STATE.compareAndSet(this, RUNNING, CLOSING);
    }

    /** The loop cannot go on, though nobody has closed it. By its own thread, while RUNNING. */
    void fail(Throwable why) {
        failure = why;
        state = CLOSING;
    }

    /** Why the loop has ended, or is about to, though nobody has closed it; null if that is not so. */
    @Nullable Throwable failure() {
        return failure;
    }

    /** From here on the loop's own thread queues nothing. */
    void closed() {
        state = CLOSED;
    }

    /** The loop's thread has ended the loop. Tasks that come from here on are run by whoever queues them. */
    void handOver() {
        state = HANDED_OVER;
    }

    boolean isHandedOver() {
        return state == HANDED_OVER;
    }

    /** The thread ends. */
    void ended() {
        ended.countDown();
    }

    boolean hasEnded() {
        return ended.getCount() == 0;
    }

    boolean awaitEnd(Clock clock, long timeout, TimeUnit unit) throws InterruptedException {
        return clock.awaits(unit.toNanos(timeout), this::hasEnded) ? hasEnded() : ended.await(timeout, unit);
    }

    /**
     * Waits until this thread of a loop has ended, or is in {@link Runtime#exit}, which waits for the shutdown hook that may be
     * calling this.
     */
    void awaitEnd(Clock clock, Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                if (clock.awaits(Due.FOREVER, this::hasEnded) || ended.await(EXIT_LOOK, TimeUnit.NANOSECONDS) || Exit.isIn(thread)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true; // a half-closed loop is of no use to anybody
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
