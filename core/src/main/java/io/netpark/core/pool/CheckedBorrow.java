package io.netpark.core.pool;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One wish for a connection that is checked before its borrower has it: how the adapters ask a pool for one after the other, until
 * one is good or the time is over.
 *
 * <pre>
 *   ask --lent--> is a check due? --no---------------------------> the borrower's
 *    ^                | yes
 *    |              check --good, and nothing of it left---------> {@link PoolLease#passedCheck}, the borrower's
 *    +--time left-----+---not good, or its time is over: {@link PoolLease#reject}
 *    `--no time left: TimedOut
 * </pre>
 *
 * <table>
 * <caption>What an outcome of a check means</caption>
 * <tr><th>the check</th><th>the connection</th><th>the borrower</th></tr>
 * <tr><td>says yes</td><td>is passed on, in a new wrapper</td><td>gets it</td></tr>
 * <tr><td>says yes and leaves bytes or an operation</td><td>is rejected</td><td>gets the next</td></tr>
 * <tr><td>says no, or the connection fails in it</td><td>is rejected</td><td>gets the next</td></tr>
 * <tr><td>takes longer than the borrower waits</td><td>is rejected</td><td>fails with TimedOut, BORROW</td></tr>
 * </table>
 *
 * <p>A connection that is new, or comes from the borrower before without having been idle, is not checked. The time of the borrow is one
 * for everything: waiting, all checks, and asking again. With no time at all a connection whose check is due is rejected.
 *
 * <p>For Netpark's own adapters.
 */
public final class CheckedBorrow {

    /** No check is ever due. */
    public static final long NEVER = Long.MAX_VALUE;

    private final Pool pool;
    private final SocketAddress destination;
    private final long timeoutNanos;
    private final long checkAfterNanos;
    private final Clock clock;
    private final long startNanos;
    /** Guarded by this, as is the next. A borrower may ask again before its call of the time before has returned. */
    private int rounds;
    private @Nullable Borrow latest;

    /**
     * Of nothing that has been asked for yet.
     *
     * @param timeoutNanos for all of it; {@link Due#FOREVER} or more for no limit, 0 or less not to wait
     * @param checkAfterNanos how long a connection must have been idle for a check to be due; {@link #NEVER} without a check
     */
    public CheckedBorrow(Pool pool, SocketAddress destination, long timeoutNanos, long checkAfterNanos) {
        this.pool = pool;
        this.clock = pool.group().clock();
        this.startNanos = clock.nanoTime();
        this.destination = destination;
        this.timeoutNanos = Math.min(timeoutNanos, Due.FOREVER);
        this.checkAfterNanos = checkAfterNanos;
    }

    /**
     * Asks the pool for a connection, as {@link Pool#borrow(SocketAddress, long, Pool.Borrower)} does: for the first, or for the next
     * when one has been rejected.
     *
     * @throws NetparkException.TimedOut if no time is left for another; the borrower is not told then
     */
    public void ask(Pool.Borrower borrower) throws NetparkException.TimedOut {
        int round;
        synchronized (this) {
            round = rounds + 1;
        }
        long time = round == 1 ? timeoutNanos : leftNanos();
        if (round > 1 && time <= 0) {
            throw new NetparkException.TimedOut(NetparkException.Timeout.BORROW, this + ": none within " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos) + " ms that its check accepts");
        }
        synchronized (this) {
            rounds = round;
            latest = null;
        }
        Borrow asked = pool.borrow(destination, time, borrower);
        synchronized (this) {
            if (rounds == round) { // otherwise a connection was lent, rejected, and the next asked for meanwhile
                latest = asked;
            }
        }
    }

    /**
     * Gives up waiting, from any thread.
     *
     * @return true if the borrower is never answered; false if that has happened, or is happening
     */
    public boolean cancel() {
        Borrow asked;
        synchronized (this) {
            asked = latest;
        }
        return asked != null && asked.cancel();
    }

    /** Whether a connection has to be checked before the borrower gets it. */
    public boolean isCheckDue(PoolLease lease) {
        return lease.idleNanos() > 0 && lease.idleNanos() >= checkAfterNanos;
    }

    /** How much of the time is left, for a check as well; {@link Due#FOREVER} if there is no limit. May be negative. */
    public long leftNanos() {
        return timeoutNanos == Due.FOREVER ? Due.FOREVER : timeoutNanos - (clock.nanoTime() - startNanos);
    }

    /** When the time is over, an instant of the clock of the pool. */
    public long endNanos() {
        return Due.after(startNanos, timeoutNanos);
    }

    @Override
    public String toString() {
        return "borrow a connection to " + destination;
    }
}
