package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Connections to one or many destinations, kept for the next borrower. Safe for use by any thread.
 *
 * <p>A borrower gets the idle connection that was used last. If none is idle, it gets the next connection that is given back or
 * established: first come, first served. The pool dials one connection for each borrower who waits, as far as the limits go. If the
 * limit of all connections stands in the way, the connection to another destination that was idle for longest is closed and makes
 * room. The borrower who has waited longest is served first, whatever its destination: if nothing else helps, a connection to another
 * destination is closed for it when that is given back.
 *
 * <p>An idle connection is watched: the moment its peer closes it, or sends anything, it is closed and gone. What has happened
 * up to the instant of lending is found by one more look at the socket, a system call without a round trip.
 *
 * <p>If connecting fails, the pool tries again after a pause that grows, and reports it once an episode, to the reporter of the
 * event loops. No borrower is called while the pool's lock is held.
 */
public final class Pool implements AutoCloseable {

    /** Is told of the connection it wanted. On any thread. */
    public interface Borrower {

        /**
         * Gets it; called by {@link Pool#borrow} itself if there is one at hand. Borrowers that give back at once, and borrow again,
         * are not called deeper and deeper on one stack: after some the event loop calls.
         */
        void lent(PoolLease lease);

        /** Gets none: {@link NetparkException.TimedOut}, {@link NetparkException.Closed}, or why connecting failed. */
        void failed(NetparkException cause);
    }

    private final EventLoopGroup group;
    private final PoolOptions options;

    /** What it has and who wants it. Its monitor is the lock of the pool. */
    private final Ledger ledger;
    private final Waiting waiting;
    private final Stock stock;
    private final Supply supply;

    /**
     * Makes a pool.
     *
     * @param dialer how it connects, and on which event loops connections live. These must outlive the pool
     */
    public Pool(Dialer dialer, PoolOptions options) {
        this.options = options;
        this.ledger = new Ledger(options, dialer.group().clock());
        this.group = dialer.group();
        EventLoop loop = group.first();
        this.waiting = new Waiting(ledger, loop);
        this.stock = new Stock(ledger, options, loop, waiting,
                options.connectNanos == Due.FOREVER ? dialer : dialer.withTimeout(Duration.ofNanos(options.connectNanos)));
        this.supply = stock.supply();
    }

    /** The event loops of its connections. */
    public EventLoopGroup group() {
        return group;
    }

    // Borrowing

    /** The time limit of a borrow that names none; {@link Due#FOREVER} for none. */
    public long borrowTimeoutNanos() {
        return options.borrowNanos;
    }

    /** As the other, for as long as {@link PoolOptions#withBorrowTimeout} says. */
    public Borrow borrow(SocketAddress destination, Borrower borrower) {
        return borrow(destination, options.borrowNanos, borrower);
    }

    /**
     * Borrows a connection. Never waits: the borrower is told, by this call if there is a connection at hand.
     *
     * @param destination as {@link Dialer#dial(SocketAddress, Dial.Outcome)} takes it
     * @param timeoutNanos how long it may take; {@link Due#FOREVER} or more for no limit. With 0 or less nothing waits: it gets the
     *     connection that is idle, or fails at once, and none is dialed for it
     * @throws IllegalArgumentException if nobody can be dialed there
     */
    public Borrow borrow(SocketAddress destination, long timeoutNanos, Borrower borrower) {
        SocketAddress address = Dialer.requireDialable(destination);
        while (true) {
            Borrow borrow;
            Member found = null;
            NetparkException refusal = null;
            synchronized (ledger) {
                borrow = new Borrow(waiting, ledger.destination(address), Math.min(timeoutNanos, Due.FOREVER), borrower);
                if (ledger.draining) {
                    refusal = borrow.closed("the pool is closed");
                } else if (borrow.destination.waiting.isEmpty()) {
                    found = borrow.destination.idle.pollLast();
                    if (found != null) {
                        found.destination.change(found, Member.State.TAKEN);
                    } else if (options.failFast && borrow.destination.isPausing()) {
                        refusal = borrow.destination.failing();
                    }
                }
                if (found == null && refusal == null && timeoutNanos <= 0) {
                    refusal = ledger.refuse(borrow);
                }
                if (found == null && refusal == null) {
                    ledger.await(borrow);
                } else {
                    borrow.answered = true;
                }
            }
            if (refusal != null) {
                waiting.tell(borrower, refusal);
            } else if (found == null) {
                try {
                    waiting.limit(borrow);
                } catch (Throwable e) { // there was no memory for a timer
                    if (waiting.cancel(borrow)) {
                        throw e;
                    }
                }
                supply.goOn();
            } else if (!stock.lend(found, borrower)) {
                continue; // it was of no use
            }
            return borrow;
        }
    }

    // Time

    /** Makes connections to a destination until as many are idle as {@link PoolOptions#withMinIdle} says. Never waits. */
    public void warmUp(SocketAddress destination) {
        SocketAddress address = Dialer.requireDialable(destination);
        synchronized (ledger) {
            ledger.destination(address);
        }
        supply.goOn();
    }

    // The end

    /**
     * Lends nothing any more: who waits is told that the pool is closed, idle connections are closed at once, and those that
     * are lent when they are given back.
     *
     * @return completes when the last one is closed
     */
    public CompletableFuture<Void> drain() {
        List<Borrow> told;
        List<Member> idle = new ArrayList<>();
        List<Dialing> dialed;
        List<Timer> retries = new ArrayList<>();
        boolean none;
        synchronized (ledger) {
            ledger.draining = true;
            told = List.copyOf(ledger.waiting); // what needs memory comes first
            dialed = List.copyOf(ledger.dials);
            for (Destination destination : ledger.destinations.values()) {
                idle.addAll(destination.idle);
                if (destination.retry != null) {
                    retries.add(destination.retry);
                }
            }
            told.forEach(ledger::answer);
            for (Member member : idle) {
                member.destination.change(member, Member.State.TAKEN);
                member.destination.idle.clear();
            }
            none = ledger.isAllClosed();
        }
        stock.stopSweeping();
        retries.forEach(Timer::disarm);
        for (Dialing dialing : dialed) {
            dialing.cancel();
        }
        for (Borrow borrow : told) {
            waiting.disarm(borrow);
            waiting.tell(borrow.borrower, borrow.closed("the pool is closed"));
        }
        stock.retire(idle, member -> Eviction.POOL_CLOSED);
        if (none) {
            stock.tellAllClosed();
        }
        return stock.allClosed();
    }

    /** As {@link #drain}, and closes the connections that are lent as well. Returns how many these were. */
    public int cut() {
        drain();
        List<Member> rest;
        synchronized (ledger) {
            rest = ledger.members.stream().filter(member -> member.state != Member.State.GONE).toList();
        }
        rest.forEach(member -> stock.evict(member, Eviction.POOL_CLOSED));
        return rest.size();
    }

    /** Closes everything at once, as {@link #cut} does. Can be called again. */
    @Override
    public void close() {
        cut();
    }

    // What can be seen

    /** What it holds and has done. */
    public PoolSnapshot snapshot() {
        synchronized (ledger) {
            return ledger.snapshot();
        }
    }

    @Override
    public String toString() {
        synchronized (ledger) {
            return "pool of " + ledger.members.size() + " connections to " + ledger.destinations.size() + " destinations";
        }
    }
}
