package io.netpark.core.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What the {@link Watchdog} sees of an event loop: how many actions it has begun, whether it waits, and what the action that it runs has
 * said of itself. Written by the loop's thread only, without a fence, as the watchdog looks seldom.
 */
final class Pulse {

    private static final VarHandle ACTIONS;
    private static final VarHandle WAITING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            ACTIONS = lookup.findVarHandle(Pulse.class, "actions", long.class);
            WAITING = lookup.findVarHandle(Pulse.class, "waiting", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Waiters, tasks and timers that the loop has begun to run. */
    private long actions;
    @SuppressWarnings("unused") // by WAITING
    private boolean waiting;
    private @Nullable Object occupation;
    /** The count of actions when that was said: it is about no other action. */
    private long occupiedAt;

    /** The loop begins to run something. */
    void beat() {
        ACTIONS.setOpaque(this, actions + 1);
    }

    /** The loop is about to wait for readiness, or has waited. */
    void waiting(boolean waits) {
        WAITING.setOpaque(this, waits);
    }

    /** Says what the action that runs now is about; null for nothing in particular. */
    void occupy(@Nullable Object what) {
        occupiedAt = actions;
        occupation = what;
    }

    /** What the action that runs now has said, if it has. */
    @Nullable Object occupation() {
        return occupiedAt == actions() ? occupation : null;
    }

    /** Nothing that was said is kept alive. */
    void rest() {
        occupation = null;
    }

    long actions() {
        return (long) ACTIONS.getOpaque(this);
    }

    boolean isWaiting() {
        return (boolean) WAITING.getOpaque(this);
    }
}
