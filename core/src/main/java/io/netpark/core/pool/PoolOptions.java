package io.netpark.core.pool;

import io.netpark.core.sys.Due;
import java.time.Duration;

/**
 * What a {@link Pool} may hold, and for how long. Immutable: each {@code with} returns a changed copy.
 *
 * <p>Every time is positive. {@link Due#INFINITE}, or anything as long, means no limit.
 */
public final class PoolOptions {

    /**
     * The defaults.
     *
     * <table>
     * <caption>Defaults</caption>
     * <tr><td>connections in all</td><td>64</td></tr>
     * <tr><td>connections to one destination</td><td>16</td></tr>
     * <tr><td>connections kept ready</td><td>0</td></tr>
     * <tr><td>idle timeout</td><td>60 s</td></tr>
     * <tr><td>lifetime</td><td>30 min</td></tr>
     * <tr><td>borrow timeout</td><td>30 s</td></tr>
     * <tr><td>connect timeout</td><td>10 s</td></tr>
     * <tr><td>back-off</td><td>100 ms to 10 s</td></tr>
     * <tr><td>fail fast</td><td>no</td></tr>
     * </table>
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

    /** The most connections that the pool has in all: lent, idle, and being dialed. */
    public PoolOptions withMaxConnections(int connections) {
        return new PoolOptions(positive(connections), maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos,
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** The most connections that the pool has to one destination. */
    public PoolOptions withMaxPerDestination(int connections) {
        return new PoolOptions(maxConnections, positive(connections), minIdle, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /**
     * How many idle connections the pool keeps ready for each destination, as far as the other limits allow. It begins when the
     * destination is first named. The idle timeout does not close these connections.
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
     * How old a connection may become. A connection that is too old is closed when it is not lent. Each connection has up to a tenth
     * less, by chance, so that connections that were opened together do not end together.
     */
    public PoolOptions withMaxLifetime(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, Due.timeoutNanos(time, "lifetime"), borrowNanos,
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How long a borrow without a time of its own waits for a connection. */
    public PoolOptions withBorrowTimeout(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, Due.timeoutNanos(time, "borrow timeout"),
                connectNanos, firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** How long an attempt to connect may take in all. Without a limit the timeout of the pool's dialer holds. */
    public PoolOptions withConnectTimeout(Duration time) {
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos,
                Due.timeoutNanos(time, "connect timeout"), firstBackOffNanos, lastBackOffNanos, failFast);
    }

    /** The pause after a failed attempt to connect. Each further failure doubles it, up to {@code last}. */
    public PoolOptions withBackOff(Duration first, Duration last) {
        if (first.isZero() || first.isNegative() || first.compareTo(last) > 0) {
            throw new IllegalArgumentException(
                    "the first pause must be positive and no longer than the last: " + first + ", " + last);
        }
        return new PoolOptions(maxConnections, maxPerDestination, minIdle, idleNanos, lifetimeNanos, borrowNanos, connectNanos,
                Due.nanos(first), Due.nanos(last), failFast);
    }

    /**
     * Whether borrowers fail at once when connecting fails: borrowers that wait, and borrowers that come before the pause is over. By
     * default they wait as long as their time allows, because the destination may be there again by then.
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
