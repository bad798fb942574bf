package io.netpark.blocking;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.pool.CheckedBorrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.pool.PoolSnapshot;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Connections to one or many destinations, kept for the next borrower.
 *
 * <pre>{@code
 * BlockingPool pool = new BlockingPool(group, PoolOptions.DEFAULT.withMaxPerDestination(8));
 * String answer = pool.use("db.internal", 6379, connection -> {
 *     connection.writer().putString("PING\r\n");
 *     connection.flush();
 *     return connection.awaitLine(512);
 * });
 * }</pre>
 *
 * <p>Borrowers who have to wait are served in the order in which they came. If the peer of an idle connection closes it, or says
 * anything, it is closed and gone at that moment. What it may hold and for how long, {@link PoolOptions} says; how it
 * chooses, {@link Pool}.
 *
 * <p>Every method may be called by any thread but those of event loops. A thread that is interrupted while it waits for a connection
 * gets an {@link InterruptedIOException}, stays interrupted, and has borrowed nothing.
 */
public final class BlockingPool implements AutoCloseable {

    /** What is done with a connection while it is lent. */
    @FunctionalInterface
    public interface Use<T, X extends Exception> {
        /** @throws X whatever; the connection is closed then, as nobody knows what is still to come over it */
        T with(BlockingConnection connection) throws X;
    }

    /** Asks a connection that has been idle, by a round trip, say, whether it is good. */
    @FunctionalInterface
    public interface Check {
        /**
         * Waits for the answer, for which there is as much time as the borrower has.
         *
         * @return false if it is not good: it is closed, and the next one tried
         * @throws IOException the same
         */
        boolean isGood(BlockingConnection connection) throws IOException;
    }

    private final Pool core;
    private final long checkAfterNanos;
    private final @Nullable Check check;

    /** With a dialer that is as it is unless told otherwise, and without a check. */
    public BlockingPool(EventLoopGroup group, PoolOptions options) {
        this(Dialer.of(group), options);
    }

    /** Without a check. */
    public BlockingPool(Dialer dialer, PoolOptions options) {
        this.core = new Pool(dialer, options);
        this.checkAfterNanos = CheckedBorrow.NEVER;
        this.check = null;
    }

    /**
     * Makes a pool.
     *
     * @param dialer how it connects, and on which event loops connections live. These must outlive the pool
     * @param checkAfter how long a connection may have been idle before the check is asked; zero for any that was
     */
    public BlockingPool(Dialer dialer, PoolOptions options, Duration checkAfter, Check check) {
        this.core = new Pool(dialer, options);
        this.checkAfterNanos = Due.notNegativeNanos(checkAfter, "time before a check");
        this.check = Objects.requireNonNull(check, "check");
    }

    // Borrowing

    /**
     * Borrows a connection for {@code use}, and gives it back after that. If that throws, the connection is closed: nobody knows then
     * what is still to come over it.
     *
     * @param destination an {@link InetSocketAddress}, whose name is looked up when connecting if it is unresolved, or a unix address
     * @return what {@code use} returns
     * @throws NetparkException.TimedOut if there was none in the time that the options give; the timeout is {@code BORROW}
     * @throws NetparkException.Closed if the pool is closed
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; nothing has been borrowed
     */
    public <T, X extends Exception> T use(SocketAddress destination, Use<T, X> use) throws IOException, X {
        try (BlockingLease lease = borrow(destination)) {
            T result = use.with(lease.connection());
            if (lease.isLent()) {
                lease.giveBack();
            }
            return result;
        }
    }

    /** As {@link #use(SocketAddress, Use)}, for a host by name or IP literal. */
    public <T, X extends Exception> T use(String host, int port, Use<T, X> use) throws IOException, X {
        return use(InetSocketAddress.createUnresolved(host, port), use);
    }

    /**
     * Borrows a connection, for longer than a lambda lasts. The caller gives it back or discards it. It waits, and fails, as
     * {@link #use(SocketAddress, Use)} does, also if interrupted.
     */
    public BlockingLease borrow(SocketAddress destination) throws IOException {
        return borrow(destination, core.borrowTimeoutNanos());
    }

    /**
     * As {@link #borrow(SocketAddress)}.
     *
     * @param timeout how long to wait for a connection; with zero or less it takes one that is idle, or fails at once
     */
    public BlockingLease borrow(SocketAddress destination, Duration timeout) throws IOException {
        return borrow(destination, Due.nanos(timeout));
    }

    private BlockingLease borrow(SocketAddress destination, long nanos) throws IOException {
        ThreadWaiter.requireNoLoop("a connection of " + this);
        CheckedBorrow wish = new CheckedBorrow(core, destination, nanos, checkAfterNanos);
        while (true) {
            PoolLease lent = BlockingBorrow.await(wish, core.group().clock());
            BlockingLease lease = lease(lent);
            if (check == null || !wish.isCheckDue(lent)) {
                return lease;
            }
            if (isGood(check, lease, wish.endNanos()) && lease.endsCheck()) {
                return lease(lent);
            }
            lease.reject();
        }
    }

    private static BlockingLease lease(PoolLease lent) {
        try {
            return new BlockingLease(lent, new BlockingConnection(lent.connection()));
        } catch (Throwable e) { // no memory for it
            lent.discard();
            throw e;
        }
    }

    private static boolean isGood(Check check, BlockingLease lease, long end) throws IOException {
        boolean settled = false;
        try {
            lease.connection().limitUntil(end);
            boolean good = check.isGood(lease.connection());
            settled = true;
            return good;
        } catch (IOException e) {
            if (e instanceof InterruptedIOException && Thread.currentThread().isInterrupted()) { // and no SocketTimeoutException
                throw e;
            }
            settled = true;
            return false;
        } finally {
            if (!settled) {
                lease.reject();
            }
        }
    }

    /** Makes connections to a destination until as many are idle as the options want at least. Does not wait for them. */
    public void warmUp(SocketAddress destination) {
        core.warmUp(destination);
    }

    // What can be seen

    /** What it holds and has done. */
    public PoolSnapshot snapshot() {
        return core.snapshot();
    }

    /** The pool below, for what reads its snapshots. */
    public Pool pool() {
        return core;
    }

    // The end

    /**
     * Lends nothing any more, and waits for the borrowers to give back what they have; then closes the rest. If the thread is
     * interrupted while it waits, the time is over; it stays interrupted.
     *
     * @param atMost how long to wait at most; zero or less does not wait
     * @return how many connections were closed that had not been given back
     */
    public int shutdown(Duration atMost) {
        ThreadWaiter.requireNoLoop("the end of " + this);
        try {
            Future<?> drained = core.drain();
            long nanos = Math.max(0, Due.nanos(atMost));
            boolean hasWaited = core.group().clock().awaits(nanos, drained::isDone);
            drained.get(hasWaited ? 0 : nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException e) {
            // The rest is closed.
        } catch (ExecutionException e) {
            throw new AssertionError("it never fails", e);
        }
        return core.cut();
    }

    /** Closes it, and every connection, at once. Borrowers who wait get {@link NetparkException.Closed}. Can be called again. */
    @Override
    public void close() {
        core.close();
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
