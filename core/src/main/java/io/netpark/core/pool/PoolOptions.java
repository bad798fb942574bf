package io.netpark.core.pool;

import io.netpark.core.sys.Due;
import java.time.Duration;

/**
 * What a {@link Pool} may hold, and for how long. Immutable: each {@code with} returns a changed copy.
 *
 * <p>A time is positive; {@link Due#INFINITE}, or anything as long, is no limit.
 */
public final class PoolOptions {

    /**
     * 64 connections in all, 16 to one destination, none kept ready; idle for 60 s, 30 min old; 30 s to wait for one, 10 s to
     * connect; 100 ms to 10 s between attempts at a destination that fails.
     */
    public static final PoolOptions DEFAULT = new PoolOptions(64, 16, 0, Duration.ofSeconds(60), Duration.ofMinutes(30),
            Duration.ofSeconds(30), Duration.ofSeconds(10), Duration.ofMillis(100), Duration.ofSeconds(10), false);

    final int maxConnections;
    final int maxPerDestination;
    final int minIdle;
    final long idleNanos;
    final long lifetimeNanos;
    final long borrowNanos;
    final long connectNanos;
    final long firstBackOffNanos;
    final long lastBackOffNanos;
    final boolean failFast;

    private PoolOptions(int maxConnections, int maxPerDestination, int minIdle, Duration idle, Duration lifetime, Duration borrow,
            Duration connect, Duration firstBackOff, Duration lastBackOff, boolean failFast) {
        this(maxConnections, maxPerDestination, minIdle, idle.toNanos(), lifetime.toNanos(), borrow.toNanos(), connect.toNanos(),
                firstBackOff.toNanos(), lastBackOff.toNanos(), failFast);
    }

    private PoolOptions(int maxConnections, int maxPerDestination, int minIdle, long idleNanos, long lifetimeNanos, long borrowNanos,
            long connectNanos, long firstBackOffNanos, long lastBackOffNanos, boolean failFast) {
        this.maxConnections = maxConnections;
        this.maxPerDestination = maxPerDestination;
        this.minIdle = minIdle;
        this.idleNanos = idleNanos;
        this.lifetimeNanos = lifetimeNanos;
        this.borrowNanos = borrowNanos;
        this.connectNanos = connectNanos;
        this.firstBackOffNanos = firstBackOffNanos;
        this.lastBackOffNanos = lastBackOffNanos;
        this.failFast = failFast;
    }

    /** How many connections there may be in all: lent, idle, and being dialed. */
    public PoolOptions withMaxConnections(int connections) {
        return new PoolOptions(positive(connections), maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos,
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How many of them there may be to one destination. */
    public PoolOptions withMaxPerDestination(int connections) {
        return new PoolOptions(maxConnections, positive(connections), minIdle, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /**
     * How many idle connections are kept ready for each destination, from when it is first named on, as far as the other limits
     * allow. These are not given up for being idle.
     */
    public PoolOptions withMinIdle(int connections) {
        if (connections < 0) {
            throw new IllegalArgumentException("there cannot be fewer than no idle connections: " + connections);
        }
        return new PoolOptions(maxConnections, maxPerDestination, connections, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How long a connection may be idle before it is closed. */
    public PoolOptions withIdleTimeout(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, Due.timeoutNanos(time, "idle timeout"), lifetimeNanos, borrowNanos,
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /**
     * How old a connection may become; it is closed when it is not lent. Each has up to a tenth less, by chance: those that were
     * opened together do not end together.
     */
    public PoolOptions withMaxLifetime(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, Due.timeoutNanos(time, "lifetime"), borrowNanos,
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How long a borrow waits for a connection that names no time of its own. */
    public PoolOptions withBorrowTimeout(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, Due.timeoutNanos(time, "borrow timeout"),
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How long an attempt to connect may take in all. Without a limit it is left to the pool's dialer. */
    public PoolOptions withConnectTimeout(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos,
                Due.timeoutNanos(time, "connect timeout"), firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** The pause after an attempt to connect has failed, doubled with each that follows, up to {@code last}. */
    public PoolOptions withBackOff(Duration first, Duration last) {
        if (first.isZero() || first.isNegative() || first.compareTo(last) > 0) {
            throw new IllegalArgumentException(
                    "the first pause must be positive and no longer than the last: " + first + ", " + last);
        }
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                Due.nanos(first), Due.nanos(last), failFast);
    }

    /**
     * Whether those who wait are told at once when connecting fails, and until the pause is over those who come. The default is
     * false: they wait as long as their time allows, as the destination may be there again by then.
     */
    public PoolOptions withFailFast(boolean on) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                firstBackOffNanos, lastBackOffNanos, on);
    }

    private static int positive(int connections) {
        if (connections < 1) {
            throw new IllegalArgumentException("a pool must be allowed at least one connection, not " + connections);
        }
        return connections;
    }
}
