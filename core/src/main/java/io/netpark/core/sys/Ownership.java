package io.netpark.core.sys;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Who owns a descriptor number, and who is using it: what an {@link OpenDescriptor} keeps in one word. Any thread. */
final class Ownership {

    /** Ownership has ended, or ends with the last use. */
    private static final int ENDED = 1 << 31;
    /** Somebody is about to take the number over. Excludes uses, and a second taker. */
    private static final int HANDING_OVER = 1 << 30;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Ownership.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Named in messages. */
    private final OpenDescriptor of;
    private final LibC libc;
    private final int number;
    /**
     * The number of uses, and two bits. Whoever brings it to ENDED alone closes the descriptor:
     *
     * <pre>
     *   0 --use--> n uses --end of use--> 0           0 --close--> ENDED, closed
     *   n uses --close--> ENDED | n --last end of use--> ENDED, closed
     *   0 --handOver--> HANDING_OVER --taken--> ENDED, not closed
     *                                --refused--> 0, or ENDED and closed if close has come meanwhile
     * </pre>
     */
    @SuppressWarnings("unused") // by STATE
    private volatile int state;

    Ownership(OpenDescriptor of, LibC libc, int number) {
        this.of = of;
        this.libc = libc;
        this.number = number;
    }

    LibC libc() {
        return libc;
    }

    /** The number, whoever owns it. */
    int number() {
        return number;
    }

    boolean hasEnded() {
        return state < 0;
    }

    /** Ends it, unless it has ended; closes the descriptor, now or with the last use. */
    void close() {
        if ((int) STATE.getAndBitwiseOr(this, ENDED) == 0) {
            libc.close(number);
        }
    }

    /** Keeps the number from being closed until {@link #endUse}. */
    int beginUse(String operation) throws NetparkException.Closed {
        for (int found = state; ; ) {
            if (found < 0) {
                throw new NetparkException.Closed(operation + " " + of + ": closed here");
            }
            if ((found & HANDING_OVER) != 0) {
                throw new IllegalStateException(operation + " " + of + ": another thread is handing it over");
            }
            int before = (int) STATE.compareAndExchange(this, found, found + 1);
            if (before == found) {
                return number;
            }
            found = before;
        }
    }

    void endUse() {
        if ((int) STATE.getAndAdd(this, -1) - 1 == ENDED) {
            libc.close(number);
        }
    }

    /** To be followed by {@link #handedOver} or {@link #refused}. */
    void beginHandingOver(String operation) {
        int found = (int) STATE.compareAndExchange(this, 0, HANDING_OVER);
        if (found < 0) {
            throw ended(operation);
        }
        if (found != 0) {
            throw new IllegalStateException(operation + " " + of + ": another thread is using it");
        }
    }

    /** Another owns the number. */
    void handedOver() {
        STATE.setVolatile(this, ENDED);
    }

    /** Nobody has taken the number. It is closed if {@link #close} has come meanwhile. */
    void refused() {
        if (((int) STATE.getAndBitwiseAnd(this, ~HANDING_OVER) & ENDED) != 0) {
            libc.close(number);
        }
    }

    IllegalStateException ended(String operation) {
        return new IllegalStateException(operation + " " + of + ": it is closed, or was taken over");
    }
}
