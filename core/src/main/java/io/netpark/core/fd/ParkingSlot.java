package io.netpark.core.fd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Where one direction of a descriptor waits for readiness: a binary semaphore with at most one waiter (rg and wg of
 * Go's runtime/netpoll.go). All accesses are sequentially consistent; the handshake with {@link ErrorWord} needs it.
 */
final class ParkingSlot implements Runnable {

    private static final Object READY = new Object() {
        @Override
        public String toString() {
            return "READY";
        }
    };

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ParkingSlot.class, "state", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * EMPTY (null), READY, or a {@link Waiter}.
     *
     * <pre>
     *              park                 ready
     *   EMPTY  ------------>  Waiter  ---------> EMPTY   ready() returns the waiter
     *                         Waiter  ---------> EMPTY   take() or remove(): deadline, close, cancellation, the parker
     *   EMPTY  --ready()--->  READY  --forget()--> EMPTY
     *   READY  --park()---->  EMPTY                      park() says: do not wait, try again
     *   READY  --ready(), take()--> READY                a timeout or a close never erases readiness
     * </pre>
     *
     * Of all that want a waiter out exactly one gets it: each leaves the state by one compare-and-set. There is no
     * fourth state "about to park", as in Go: a continuation may be resumed before the function that parked it has
     * returned.
     */
    private volatile @Nullable Object state;

    /**
     * Publishes a waiter.
     *
     * @return false if the slot was READY, which this consumed: try the operation again instead
     * @throws IllegalStateException if somebody waits here already
     */
    boolean park(Waiter waiter) {
        while (true) {
            Object seen = state;
            if (seen == null) {
                if (STATE.compareAndSet(this, null, waiter)) {
                    return true;
                }
            } else if (seen == READY) {
                // Before the system call is tried again, never after: readiness that comes in between stays.
                if (STATE.compareAndSet(this, READY, null)) {
                    return false;
                }
            } else {
                throw new IllegalStateException("another operation is parked in this slot");
            }
        }
    }

    /** The descriptor became ready. Returns the waiter, now the caller's to run; if there is none, remembers. */
    @Nullable Waiter ready() {
        while (true) {
            Object seen = state;
            if (seen == READY) {
                return null;
            }
            if (STATE.compareAndSet(this, seen, seen == null ? READY : null)) {
                return (Waiter) seen;
            }
        }
    }

    /** Forgets readiness: whoever parks next waits, and will be woken by a task. */
    void forget() {
        STATE.compareAndSet(this, READY, null);
    }

    /** As a task of the loop, for an operation whose turn was over. */
    @Override
    public void run() {
        Waiter waiter = ready();
        if (waiter != null) {
            waiter.run();
        }
    }

    /** A deadline passed or the descriptor closes. Returns the waiter, if any, now the caller's to run. */
    @Nullable Waiter take() {
        while (true) {
            Object seen = state;
            if (seen == null || seen == READY) {
                return null;
            }
            if (STATE.compareAndSet(this, seen, null)) {
                return (Waiter) seen;
            }
        }
    }

    /** Takes out this very waiter. False if it is not there: somebody else has it and runs it. */
    boolean remove(Waiter waiter) {
        return STATE.compareAndSet(this, waiter, null);
    }

    boolean isReady() {
        return state == READY;
    }

    /** Who is parked now; null if nobody is. It may be taken out, and run, at any moment. */
    @Nullable Waiter occupant() {
        return state instanceof Waiter waiter ? waiter : null;
    }

    /** Whether a waiter is parked now. */
    boolean isOccupied() {
        Object seen = state;
        return seen != null && seen != READY;
    }
}
