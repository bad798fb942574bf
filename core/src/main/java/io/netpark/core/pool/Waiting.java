package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;

/**
 * Borrowers who wait: each has a timer, and is answered once, by whoever takes its {@link Borrow} out of the ledger.
 *
 * <pre>
 *   waiting --a connection is there--> lent to
 *           --its time is over, the pool or its event loops are closed--> told that there is none
 *           --cancelled--> never told
 * </pre>
 */
final class Waiting {

    private final Ledger ledger;
    /** Its timers are of this loop, and so are calls that would nest too deep. */
    private final EventLoop loop;

    Waiting(Ledger ledger, EventLoop loop) {
        this.ledger = ledger;
        this.loop = loop;
    }

    Clock clock() {
        return loop.clock();
    }

    /** Begins the time of one that waits in the ledger. Without the lock. */
    void limit(Borrow borrow) {
        Timer timer = loop.newTimer(() -> timeOut(borrow), () -> loopsClosed(borrow));
        synchronized (ledger) {
            if (borrow.answered) {
                return;
            }
            borrow.timer = timer;
        }
        if (!timer.arm(Due.after(borrow.startNanos, borrow.timeoutNanos))) {
            loopsClosed(borrow);
        }
        boolean answered;
        synchronized (ledger) {
            answered = borrow.answered;
        }
        if (answered) {
            timer.disarm(); // what has answered came before it was armed, perhaps
        }
    }

    private void loopsClosed(Borrow borrow) {
        synchronized (ledger) {
            if (!ledger.answer(borrow)) {
                return;
            }
        }
        tell(borrow.borrower, borrow.closed("the event loops were closed"));
    }

    private void timeOut(Borrow borrow) {
        NetparkException failure;
        synchronized (ledger) {
            if (!ledger.answer(borrow)) {
                return;
            }
            ledger.tally.timedOut++;
            failure = borrow.timedOut(ledger.state(borrow.destination));
        }
        tell(borrow.borrower, failure);
    }

    /** Takes it out of those who wait; false if it is being answered, or has been. */
    boolean cancel(Borrow borrow) {
        synchronized (ledger) {
            if (!ledger.answer(borrow)) {
                return false;
            }
        }
        borrow.disarm();
        return true;
    }

    /** The borrower is told in any case: that its timer runs, and finds nothing to do, is the lesser evil. */
    void disarm(Borrow borrow) {
        try {
            borrow.disarm();
        } catch (Throwable e) {
            loop.report("The time of a borrower could not be taken away", e);
        }
    }

    /** Tells a borrower that it gets none. Without the lock. */
    void tell(Pool.Borrower borrower, NetparkException failure) {
        Calling.call(loop, new Calling.Failed(borrower, failure, loop));
    }
}
