package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.lifecycle.Connections;
import io.netpark.callback.lifecycle.Lifecycle;
import io.netpark.callback.pool.Borrowing;
import io.netpark.callback.pool.Lender;
import io.netpark.core.pool.CheckedBorrow;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.pool.PoolSnapshot;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Connections to one or many destinations, kept for the next borrower. Made by {@link CallbackClient#newPool}.
 *
 * <pre>{@code
 *   CallbackPool pool = client.newPool(PoolOptions.DEFAULT.withMaxPerDestination(8));
 *   pool.borrow("db.internal", 6379, callbacks).thenAccept(lease -> {
 *       lease.connection().writeAsync(question); // and its request callback gives the lease back
 *   });
 * }</pre>
 *
 * <p>Borrowers who have to wait are served in the order in which they came. If the peer of an idle connection closes it, or says
 * anything, it is closed and gone at that moment. What it may hold and for how long, {@link PoolOptions} says; how it
 * chooses, {@link Pool}. Every method may be called by any thread.
 */
public final class CallbackPool implements AutoCloseable {

    /** Of a connection that is checked. */
    private static final Callbacks UNTOLD = Callbacks.builder().build();

    private final Pool core;
    private final CallbackClient client;
    private final long checkAfterNanos;
    private final @Nullable ConnectionCheck check;

    CallbackPool(Pool core, CallbackClient client, long checkAfterNanos, @Nullable ConnectionCheck check) {
        this.core = core;
        this.client = client;
        this.checkAfterNanos = checkAfterNanos;
        this.check = check;
    }

    /**
     * Borrows a connection, for as long as the pool's options say at most.
     *
     * @param destination an {@link InetSocketAddress}, whose name is looked up when connecting if it is unresolved, or a unix
     *     address
     * @param callbacks of the connection, while it is lent
     * @return completes on the connection's loop, after the connect callback and before the first request. Fails with
     *     {@link NetparkException.TimedOut} ({@code BORROW}) if there is none in time, and {@link NetparkException.Closed} if the
     *     pool is closed. Cancelling it ends the waiting
     * @throws IllegalArgumentException if nobody can be dialed there
     */
    public CompletableFuture<CallbackLease> borrow(SocketAddress destination, Callbacks callbacks) {
        return borrow(destination, core.borrowTimeoutNanos(), callbacks);
    }

    /** As the other, for a host by name or IP literal. */
    public CompletableFuture<CallbackLease> borrow(String host, int port, Callbacks callbacks) {
        return borrow(InetSocketAddress.createUnresolved(host, port), callbacks);
    }

    /**
     * As the other.
     *
     * @param timeout how long to wait for a connection. With zero or less it waits for nothing: it gets one that is idle, or fails
     *     at once
     */
    public CompletableFuture<CallbackLease> borrow(SocketAddress destination, Duration timeout, Callbacks callbacks) {
        return borrow(destination, Due.nanos(timeout), callbacks);
    }

    private CompletableFuture<CallbackLease> borrow(SocketAddress destination, long timeoutNanos, Callbacks callbacks) {
        client.require(callbacks);
        CheckedBorrow wish = newWish(Objects.requireNonNull(destination, "destination"), timeoutNanos);
        PlacedFuture<CallbackLease> future = client.newFuture();
        new Borrowing<>(new Lending(callbacks), wish, future).start();
        return future;
    }

    private CheckedBorrow newWish(SocketAddress destination, long timeoutNanos) {
        return new CheckedBorrow(core, destination, timeoutNanos, check == null ? CheckedBorrow.NEVER : checkAfterNanos);
    }

    /** What one borrower gets. */
    private final class Lending implements Lender<CallbackLease> {

        private final Callbacks callbacks;

        Lending(Callbacks callbacks) {
            this.callbacks = callbacks;
        }

        @Override
        public Check check(PoolLease lease) {
            return new Checked(client.connected(lease.connection(), UNTOLD), Objects.requireNonNull(check));
        }

        @Override
        public CallbackLease lend(PoolLease lease) {
            return new CallbackLease(lease, client.connected(lease.connection(), callbacks));
        }

        @Override
        public Lifecycle life(CallbackLease lent) {
            return lent.connection().life;
        }

        @Override
        public void discard(CallbackLease lent) {
            lent.discard();
        }

        @Override
        public void closed(CallbackLease lent) {
            lent.closed();
        }
    }

    private record Checked(CallbackConnection connection, ConnectionCheck check) implements Lender.Check {

        @Override
        public Lifecycle life() {
            return connection.life;
        }

        @Override
        public CompletionStage<Boolean> ask() throws Exception {
            return check.check(connection);
        }
    }

    /** Makes connections to a destination until as many are idle as the options want at least. Does not wait for them. */
    public void warmUp(SocketAddress destination) {
        core.warmUp(destination);
    }

    /** What it holds and has done. */
    public PoolSnapshot snapshot() {
        return core.snapshot();
    }

    /** The pool below, for what reads its snapshots. */
    public Pool pool() {
        return core;
    }

    /**
     * Lends nothing any more: who waits is told that the pool is closed, idle connections are closed at once, and those that
     * are lent when they are given back.
     *
     * @return completes when the last one is closed
     */
    public CompletableFuture<Void> drain() {
        return core.drain();
    }

    /** Closes it, and every connection, at once. Can be called again. */
    @Override
    public void close() {
        core.close();
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
