package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import org.jspecify.annotations.Nullable;

/**
 * Runs an action on its event loop at a time that can be moved at will. Made once and armed again and
 * again: arming needs no memory on the loop's own thread, or can do without.
 *
 * <pre>
 *   idle --arm--> armed --time is due--> idle, action runs
 *                 armed --arm--> armed (moved)
 *                 armed --disarm--> idle
 *                 armed --loop closes--> idle, abandoned runs
 * </pre>
 *
 * Calls from other threads take effect in the order in which they are made, a little later: so such a call may undo what the loop's
 * own thread has said after it. Code that moves a timer on both has the loop do it, by a task that looks what is wanted then. A timer never
 * runs early; it may run although another thread has just disarmed it, so an action re-reads why it was wanted.
 */
public final class Timer {

    final Runnable action;
    final @Nullable Runnable abandoned;
    private final EventLoop loop;

    /** When to run; meaningful while in the queue. Loop's thread only, like {@link #index}. */
    long dueNanos;
    /** Position in the heap of the loop's {@link TimerQueue}; or {@link TimerQueue#OUT}, or {@link TimerQueue#BESIDE}. */
    int index = TimerQueue.OUT;
    /** The next of those beside the heap. */
    @Nullable Timer next;

    Timer(EventLoop loop, Runnable action, @Nullable Runnable abandoned) {
        this.loop = loop;
        this.action = action;
        this.abandoned = abandoned;
    }

    /**
     * Arms the timer, or moves it.
     *
     * @param instant of the loop's {@link Clock}; what is farther away than {@link Due#FOREVER} counts as that far away
     * @return false if the loop is closed: neither the action nor its replacement will run
     */
    public boolean arm(long instant) {
        long dueNanos = loop.clock().near(instant);
        if (loop.inLoop()) {
            loop.arm(this, dueNanos);
            return !loop.isTerminated();
        }
        return loop.tryExecute(() -> loop.arm(this, dueNanos));
    }

    /** As {@link #arm}, on the loop, unless the timer is due before that. */
    void armBefore(long instant) {
        if (index == TimerQueue.OUT || instant - dueNanos < 0) {
            arm(instant);
        }
    }

    /** Makes the timer idle. If another thread does that, and has no memory for it, the timer stays armed: its action runs for nothing. */
    public void disarm() {
        if (loop.inLoop()) {
            loop.disarm(this);
            return;
        }
        try {
            loop.tryExecute(() -> loop.disarm(this));
        } catch (OutOfMemoryError e) {
            // Who disarms a timer is about to end something, and must go on.
        }
    }
}
