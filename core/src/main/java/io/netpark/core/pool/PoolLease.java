package io.netpark.core.pool;

import io.netpark.core.net.streams.ConnectionDescriptor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A connection that is lent. A lease ends once: the borrower gives the connection back, or discards it.
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
     * The connection. The borrower may use it until the lease ends.
     *
     * @throws IllegalStateException if the lease has ended
     */
    public ConnectionDescriptor connection() {
        if (ended) {
            throw new IllegalStateException(member.connection + " has been given back to its pool");
        }
        return member.connection;
    }

    /** How long the connection was idle before it was lent, in nanoseconds; 0 only if it is new, or was not idle since its last borrower. */
    public long idleNanos() {
        return idleNanos;
    }

    /** Whether the lease has not ended. */
    public boolean isLent() {
        return !ended;
    }

    /**
     * Gives the connection back for the next borrower. No operation may be in progress, and every answer must have been read. The pool
     * closes the connection instead if there is anything to read. It takes deadlines and timeouts away, and leaves socket options
     * as they are. An output that is shut down would stay so: {@link #discard} such a connection.
     *
     * @throws IllegalStateException if the lease has ended
     */
    public void giveBack() {
        end();
        stock.giveBack(member);
    }

    /** The borrower's check has found the connection good. Takes away the deadlines and timeouts that the check has set. */
    public void passedCheck() {
        connection().forgetTimes();
    }

    /** Closes the connection, so that no borrower gets it any more. Has no effect if the lease has ended. */
    public void discard() {
        discard(Eviction.DISCARDED);
    }

    /** As {@link #discard()}, because the borrower's check has failed. */
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
