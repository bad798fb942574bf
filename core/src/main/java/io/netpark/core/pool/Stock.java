package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.dialing.Dialer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The connections that a pool has: passes each from borrower to borrower, keeps those that nobody wants, and closes what is of no
 * use. {@link Member} draws the states of one. {@link Supply} makes new ones.
 *
 * <p>Nobody is called and nothing is closed while the ledger's lock is held.
 */
final class Stock {

    private final Ledger ledger;
    private final PoolOptions options;
    private final EventLoop loop;
    private final Waiting waiting;
    private final Supply supply;
    private final Sweep sweep;
    private final CompletableFuture<Void> allClosed = new CompletableFuture<>();

    Stock(Ledger ledger, PoolOptions options, EventLoop loop, Waiting waiting, Dialer dialer) {
        this.ledger = ledger;
        this.options = options;
        this.loop = loop;
        this.waiting = waiting;
        this.supply = new Supply(this, waiting, ledger, options, loop, dialer);
        this.sweep = new Sweep(loop, options, this::sweep);
    }

    Supply supply() {
        return supply;
    }

    // To a borrower

    /** Lends one that has just been taken from the idle ones, unless something has come; then it is closed. */
    boolean lend(Member member, Pool.Borrower borrower) {
        Calling.Lent lent = null;
        Eviction reason;
        try {
            member.unpark(); // or it is running by now, and finds that it is not idle any more
            reason = member.look();
            if (reason == null) {
                member.endWatch();
                reason = member.isOld(loop.clock().nanoTime()) ? Eviction.LIFETIME : null;
            }
            if (reason == null) {
                long idle = Math.max(1, loop.clock().nanoTime() - member.idleSince); // by a clock that stands still, too
                lent = new Calling.Lent(borrower, new PoolLease(this, member, idle), loop);
            }
        } catch (Throwable e) {
            evict(member, Eviction.DISCARDED);
            throw e;
        }
        if (reason != null) {
            evict(member, reason);
            return false;
        }
        assert lent != null;
        synchronized (ledger) {
            if (member.state == Member.State.TAKEN) { // or it has been cut meanwhile, which its borrower finds out
                member.destination.change(member, Member.State.LENT);
            }
            ledger.tally.borrowed++;
        }
        Calling.call(member.connection.loop(), lent);
        if (options.minIdle > 0) {
            supply.goOn();
        }
        return true;
    }

    // From a borrower, or new

    /** A borrower has done with it. */
    void giveBack(Member member) {
        try {
            if (member.connection.isInUse()) {
                evict(member, Eviction.DISCARDED); // an operation that the borrower has left behind
            } else if (member.isOld(loop.clock().nanoTime())) {
                evict(member, Eviction.LIFETIME);
            } else {
                member.connection.forgetTimes();
                settle(member, member.watch(), false);
            }
        } catch (Throwable e) {
            failed(member, e);
        }
    }

    /** It is new. */
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
            member.destination.notice(member);
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
                    member.idleSince = loop.clock().nanoTime();
                    idle = member.park();
                    if (!idle) {
                        if (member.state == Member.State.IDLE) {
                            member.destination.notice(member);
                        } else {
                            member.destination.idle.remove(member); // closed by the attempt to park
                        }
                    }
                }
                othersWait = !ledger.waiting.isEmpty();
            }
            if (idle) {
                plan(member);
            } else if (next != null) {
                assert lent != null; // made with it
                waiting.disarm(next);
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

    // Closing

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
                last = ledger.isAllClosed();
            }
        }
        if (last) {
            tellAllClosed();
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

    /** On the loop. */
    private void sweep() {
        List<Member> over;
        synchronized (ledger) {
            over = sweep.findOver(ledger.destinations.values());
        }
        sweep.arm();
        long now = loop.clock().nanoTime();
        retire(over, member -> member.isOld(now) ? Eviction.LIFETIME : Eviction.IDLE);
    }

    /** Closes those that have just been taken from the idle ones. */
    void retire(List<Member> members, Function<Member, Eviction> reason) {
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

    /** No sweep begins any more. */
    void stopSweeping() {
        sweep.stop();
    }

    /** The pool is drained, and the last connection is closed. Without the lock. */
    void tellAllClosed() {
        allClosed.complete(null);
    }

    /** Completes when the pool is drained and its last connection is closed. */
    CompletableFuture<Void> allClosed() {
        return allClosed.copy();
    }
}
