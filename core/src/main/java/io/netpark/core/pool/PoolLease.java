package io.netpark.core.pool;

import io.netpark.core.net.streams.ConnectionDescriptor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A connection that is lent. Ends once: given back, or discarded.
 *
 * <pre>
 *   LENT --giveBack, discard--> ENDED
 * </pre>
 */
public final class PoolLease {

    private static final VarHandle ENDED;

    static {
        try {
            ENDED = MethodHandles.lookup().findVarHandle(PoolLease.class, "ended", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Stock stock;
    private final Member member;
    private final long idleNanos;
    private volatile boolean ended;

    PoolLease(Stock stock, Member member, long idleNanos) {
        this.stock = stock;
        this.member = member;
        this.idleNanos = idleNanos;
    }

    /**
     * The connection. Its operations are the borrower's until the lease ends.
     *
     * @throws IllegalStateException if that has happened
     */
    public ConnectionDescriptor connection() {
        if (ended) {
            throw new IllegalStateException(member.connection + " has been given back to its pool");
        }
        return member.connection;
    }

    /** How long it had been idle when it was lent, in nanoseconds; 0 for one that is new, or comes from the borrower before. */
    public long idleNanos() {
        return idleNanos;
    }

    /** Whether it has not been given back, nor discarded. */
    public boolean isLent() {
        return !ended;
    }

    /**
     * Gives it back for the next borrower. No operation may be going on; every answer that was asked for has been read. It is
     * closed instead if there is anything to read, or it is closed already. Deadlines and timeouts are taken away; socket
     * options stay as they are, and so would an output that has been shut down: {@link #discard} such a connection.
     *
     * @throws IllegalStateException if the lease has ended
     */
    public void giveBack() {
        end();
        stock.giveBack(member);
    }

    /** A check of the borrower's has found it good: the deadlines and timeouts that the check has set are taken away. */
    public void passedCheck() {
        connection().forgetTimes();
    }

    /** Closes it, as nobody should get it any more. Without effect if the lease has ended. */
    public void discard() {
        discard(Eviction.DISCARDED);
    }

    /** As {@link #discard()}, because a check of the borrower's has failed. */
    public void reject() {
        discard(Eviction.CHECK);
    }

    private void discard(Eviction why) {
        if (ENDED.compareAndSet(this, false, true)) {
            stock.evict(member, why);
        }
    }

    private void end() {
        if (!ENDED.compareAndSet(this, false, true)) {
            throw new IllegalStateException(member.connection + " has been given back to its pool already");
        }
    }

    @Override
    public String toString() {
        return "lease of " + member.connection;
    }
}
