package io.netpark.core.pool;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One wish for a connection, which may have to wait. */
public final class Borrow {

    final Destination destination;
    final Pool.Borrower borrower;
    final long startNanos;
    final long timeoutNanos;
    private final Waiting waiting;
    /** Its place among all that wait, of whatever destination. Guarded by the pool's lock. */
    long turn;
    /** Guarded by the pool's lock: the thread that sets it answers the borrower. */
    boolean answered;
    /** Ends the waiting. */
    volatile @Nullable Timer timer;

    Borrow(Waiting waiting, Destination destination, long timeoutNanos, Pool.Borrower borrower) {
        this.waiting = waiting;
        this.startNanos = waiting.clock().nanoTime();
        this.destination = destination;
        this.timeoutNanos = timeoutNanos;
        this.borrower = borrower;
    }

    /** Without the pool's lock. */
    void disarm() {
        Timer armed = timer;
        if (armed != null) {
            armed.disarm();
        }
    }

    NetparkException closed(String because) {
        return new NetparkException.Closed("borrow a connection to " + destination + ": " + because);
    }

    /** @param state of the pool */
    NetparkException timedOut(String state) {
        NetparkException timedOut = new NetparkException.TimedOut(NetparkException.Timeout.BORROW, "borrow a connection to "
                + destination + ": none " + (timeoutNanos > 0 ? "within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms" : "is idle")
                + "; " + state);
        timedOut.initCause(destination.lastFailure);
        return timedOut;
    }

    /**
     * Gives up, from any thread.
     *
     * @return true if the borrower is never answered; false if that has happened, or is happening
     */
    public boolean cancel() {
        return waiting.cancel(this);
    }
}
