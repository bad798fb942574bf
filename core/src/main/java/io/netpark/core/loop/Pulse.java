package io.netpark.core.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What the {@link Watchdog} sees of an event loop: how many actions it has begun, and whether it waits. Written by the loop's
 * thread only, without a fence, as the watchdog looks seldom.
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

    /** The loop begins to run something. */
    void beat() {
        ACTIONS.setOpaque(this, actions + 1);
    }

    /** The loop is about to wait for readiness, or has waited. */
    void waiting(boolean waits) {
        WAITING.setOpaque(this, waits);
    }

    long actions() {
        return (long) ACTIONS.getOpaque(this);
    }

    boolean isWaiting() {
        return (boolean) WAITING.getOpaque(this);
    }
}
