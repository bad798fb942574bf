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
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Connections to one or many destinations, kept for the next who wants one. Safe for use by any thread.
 *
 * <p>Who borrows gets the idle connection that was used last; or, where there is none, the next that is given back or
 * established, first come, first served. One is dialed for each who waits, as far as the limits go; where the limit in all
 * stands in the way, an idle connection to another destination makes room, the one that was idle for longest. Those who have
 * waited longest are served first whatever their destination: for the first of all a connection to another one is closed when
 * it is given back, if nothing else helps.
 *
 * <p>An idle connection is watched: the moment its peer closes it, or sends anything, it is closed and gone. What has happened
 * up to the instant of lending is found by one more look at the socket, a system call without a round trip.
 *
 * <p>Where connecting fails it is tried again after a pause that grows, and reported once an episode, to the reporter of the
 * event loops. Nobody is called while the pool's lock is held.
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
    private final EventLoop loop;
    private final PoolOptions options;

    /** What it has and who wants it. Its monitor is the lock of the pool. */
    private final Ledger ledger;
    private final Supply supply;
    private final CompletableFuture<Void> drained = new CompletableFuture<>();
    private final Sweep sweep;

    /**
     * Makes a pool.
     *
     * @param dialer how it connects, and on which event loops connections live. These must outlive the pool
     */
    public Pool(Dialer dialer, PoolOptions options) {
        this.options = options;
        this.ledger = new Ledger(options);
        this.group = dialer.group();
        this.loop = group.first();
        this.supply = new Supply(this, ledger, options, loop,
                options.connectNanos == Due.FOREVER ? dialer : dialer.withTimeout(Duration.ofNanos(options.connectNanos)));
        this.sweep = new Sweep(loop, options, this::sweep);
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
                borrow = new Borrow(this, ledger.destination(address), Math.min(timeoutNanos, Due.FOREVER), borrower);
                if (ledger.draining) {
                    refusal = borrow.closed("the pool is closed");
                } else if (borrow.destination.waiting.isEmpty()) {
                    found = borrow.destination.idle.pollLast();
                    if (found != null) {
                        found.destination.change(found, Member.State.LENT);
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
                tell(borrower, refusal);
            } else if (found == null) {
                try {
                    limitWaiting(borrow);
                } catch (Throwable e) { // there was no memory for a timer
                    if (cancel(borrow)) {
                        throw e;
                    }
                }
                supply.goOn();
            } else if (!lend(found, borrower)) {
                continue; // it was of no use
            }
            return borrow;
        }
    }

    /** Lends one that has just been taken from the idle ones, unless something has come; then it is closed. */
    private boolean lend(Member member, Borrower borrower) {
        Calling.Lent lent = null;
        Eviction reason;
        try {
            member.unpark(); // or it is running by now, and finds that it is not idle any more
            reason = member.look();
            if (reason == null) {
                member.endWatch();
                reason = member.isOld(System.nanoTime()) ? Eviction.LIFETIME : null;
            }
            if (reason == null) {
                lent = new Calling.Lent(borrower, new PoolLease(this, member, System.nanoTime() - member.idleSince), loop);
            }
        } catch (Throwable e) {
            evict(member, Eviction.DISCARDED);
            throw e;
        }
        if (reason != null) {
            evict(member, reason);
            return false;
        }
        synchronized (ledger) {
            ledger.tally.borrowed++;
        }
        Calling.call(member.connection.loop(), lent);
        if (options.minIdle > 0) {
            supply.goOn();
        }
        return true;
    }

    void tell(Borrower borrower, NetparkException failure) {
        Calling.call(loop, new Calling.Failed(borrower, failure, loop));
    }

    private void limitWaiting(Borrow borrow) {
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
            timer.disarm(); // whoever has answered came before it was armed, perhaps
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

    boolean cancel(Borrow borrow) {
        synchronized (ledger) {
            if (!ledger.answer(borrow)) {
                return false;
            }
        }
        borrow.disarm();
        return true;
    }

    // Giving back

    void giveBack(Member member) {
        try {
            if (member.connection.isInUse()) {
                evict(member, Eviction.DISCARDED); // an operation that the borrower has left behind
            } else if (member.isOld(System.nanoTime())) {
                evict(member, Eviction.LIFETIME);
            } else {
                member.connection.forgetTimes();
                settle(member, member.watch(), false);
            }
        } catch (Throwable e) {
            failed(member, e);
        }
    }

    /** A new one. */
    void arrived(Member member) {
        try {
            settle(member, member.watch(), false);
        } catch (Throwable e) {
            failed(member, e);
        }
    }

    /** Whatever it was, a connection must not keep its place and be nobody's. */
    private void failed(Member member, Throwable e) {
        synchronized (ledger) {
            member.destination.idle.remove(member); // nobody may find it there any more
        }
        evict(member, Eviction.DISCARDED);
        loop.report("A connection of a pool could not be passed on; it is closed", e);
    }

    /** On the loop: an idle connection is not silent. */
    void noticed(Member member) {
        synchronized (ledger) {
            if (member.state != Member.State.IDLE) {
                return; // lent at this moment: that looks as well
            }
            member.destination.change(member, Member.State.LENT);
            member.destination.idle.remove(member);
        }
        try {
            member.unpark(); // a wake-up that comes late may be of the time before
            settle(member, member.look(), true);
        } catch (Throwable e) {
            failed(member, e);
        }
    }

    /**
     * Of one that is watched and not parked, or of no use: goes to somebody who waits, or becomes idle, or is closed.
     *
     * @param asked whether the kernel has just been asked. A watch that begins may not have done so, which is as good for one that is
     *     going to be parked, and no answer for a borrower
     */
    private void settle(Member member, @Nullable Eviction found, boolean asked) {
        Eviction reason = found;
        boolean sure = asked;
        Calling.Lent lent = null;
        while (reason == null) {
            Borrow next = null;
            boolean idle = false;
            boolean othersWait;
            synchronized (ledger) {
                if (member.state == Member.State.GONE) {
                    return; // closed on this thread, by an attempt to park
                }
                if (ledger.draining) {
                    reason = Eviction.POOL_CLOSED;
                } else if (ledger.mustMakeRoom(member.destination)) {
                    reason = Eviction.ROOM;
                } else if (!member.destination.waiting.isEmpty() && sure) {
                    next = member.destination.waiting.iterator().next();
                    lent = new Calling.Lent(next.borrower, new PoolLease(this, member, 0), loop); // what needs memory comes first
                    member.destination.change(member, Member.State.LENT);
                    ledger.answer(next);
                    ledger.tally.borrowed++;
                } else if (member.destination.waiting.isEmpty()) {
                    member.destination.idle.addLast(member); // before it is parked: it may be noticed by then
                    member.destination.change(member, Member.State.IDLE);
                    member.idleSince = System.nanoTime();
                    idle = member.park();
                    if (!idle) {
                        member.destination.idle.remove(member);
                        if (member.state == Member.State.IDLE) {
                            member.destination.change(member, Member.State.LENT);
                        }
                    }
                }
                othersWait = !ledger.waiting.isEmpty();
            }
            if (idle) {
                plan(member);
            } else if (next != null) {
                disarm(next);
                member.endWatch();
                Calling.call(member.connection.loop(), lent);
            }
            if (idle || next != null) {
                if (othersWait) {
                    supply.goOn(); // it may be the room for them
                }
                return;
            }
            if (reason == null) {
                reason = member.look();
                sure = true;
            } else {
                member.endWatch();
            }
        }
        evict(member, reason);
    }

    /** It is idle, and may have been lent by now: that it stays for too long is the lesser evil. */
    private void plan(Member member) {
        try {
            sweep.plan(member);
        } catch (Throwable e) {
            loop.report("The time of an idle connection of a pool could not be planned", e);
        }
    }

    /** The borrower is told in any case: that its timer runs, and finds nothing to do, is the lesser evil. */
    void disarm(Borrow borrow) {
        try {
            borrow.disarm();
        } catch (Throwable e) {
            loop.report("The time of a borrower could not be taken away", e);
        }
    }

    /** Closes a connection, and sees what can be done with the room. */
    void evict(Member member, Eviction reason) {
        synchronized (ledger) {
            if (!ledger.leaves(member)) {
                return;
            }
        }
        close(member, reason);
    }

    /** Closes one that is leaving. Its place is free afterwards, and not before. */
    private void close(Member member, Eviction reason) {
        boolean last;
        try {
            member.connection.close();
        } finally {
            synchronized (ledger) {
                ledger.left(member, reason);
                last = ledger.isDrained();
            }
        }
        if (last) {
            drained();
        } else {
            supply.goOn();
        }
    }

    /** Closes one that is leaving, and was idle. */
    void closeIdle(Member member, Eviction reason) {
        try {
            member.unpark(); // or it is running by now, and finds that it is not idle any more
            member.endWatch();
        } finally {
            close(member, reason);
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

    /** On the loop. */
    private void sweep() {
        List<Member> over;
        synchronized (ledger) {
            over = sweep.findOver(ledger.destinations.values());
        }
        sweep.arm();
        long now = System.nanoTime();
        retire(over, member -> member.isOld(now) ? Eviction.LIFETIME : Eviction.IDLE);
    }

    /** Closes those that have just been taken from the idle ones. */
    private void retire(List<Member> members, Function<Member, Eviction> reason) {
        for (Member member : members) {
            boolean leaves;
            synchronized (ledger) {
                leaves = ledger.leaves(member);
            }
            if (leaves) {
                try {
                    closeIdle(member, reason.apply(member));
                } catch (Throwable e) {
                    loop.report("Closing an idle connection of a pool threw", e);
                }
            }
        }
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
                member.destination.change(member, Member.State.LENT);
                member.destination.idle.clear();
            }
            none = ledger.isDrained();
        }
        sweep.stop();
        retries.forEach(Timer::disarm);
        for (Dialing dialing : dialed) {
            dialing.cancel();
        }
        for (Borrow borrow : told) {
            disarm(borrow);
            tell(borrow.borrower, borrow.closed("the pool is closed"));
        }
        retire(idle, member -> Eviction.POOL_CLOSED);
        if (none) {
            drained();
        }
        return drained.copy();
    }

    /** As {@link #drain}, and closes the connections that are lent as well. Returns how many these were. */
    public int cut() {
        drain();
        List<Member> rest;
        synchronized (ledger) {
            rest = ledger.members.stream().filter(member -> member.state != Member.State.GONE).toList();
        }
        rest.forEach(member -> evict(member, Eviction.POOL_CLOSED));
        return rest.size();
    }

    /** Closes everything at once, as {@link #cut} does. Can be called again. */
    @Override
    public void close() {
        cut();
    }

    /** The last one is closed. Without the lock. */
    void drained() {
        drained.complete(null);
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
