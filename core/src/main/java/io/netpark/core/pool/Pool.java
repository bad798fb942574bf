package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Dialer;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
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

        /** Gets it; called by {@link Pool#borrow} itself if there is one at hand. */
        void lent(Lease lease);

        /** Gets none: {@link NetparkException.TimedOut}, {@link NetparkException.Closed}, or why connecting failed. */
        void failed(NetparkException cause);
    }

    private final Dialer dialer;
    private final EventLoopGroup group;
    private final EventLoop loop;
    private final PoolOptions options;

    private final Object lock = new Object();

    // All of these are guarded by the lock.
    private final Map<SocketAddress, Destination> destinations = new HashMap<>();
    private final LinkedHashSet<Member> members = new LinkedHashSet<>();
    /** Of all destinations, in the order in which they came. */
    private final LinkedHashSet<Borrow> waiting = new LinkedHashSet<>();
    private final LinkedHashSet<Dialing> dials = new LinkedHashSet<>();
    private boolean draining;
    private final CompletableFuture<Void> drained = new CompletableFuture<>();
    private final Sweep sweep;
    private final Tally tally = new Tally();

    /**
     * Makes a pool.
     *
     * @param dialer how it connects, and on which event loops connections live. These must outlive the pool
     */
    public Pool(Dialer dialer, PoolOptions options) {
        this.options = options;
        this.dialer = options.connectNanos == 0 ? dialer : dialer.withTimeout(Duration.ofNanos(options.connectNanos));
        this.group = dialer.group();
        this.loop = group.first();
        this.sweep = new Sweep(loop, options, this::sweep);
    }

    /** The event loops of its connections. */
    public EventLoopGroup group() {
        return group;
    }

    // Borrowing

    /** As the other, for as long as {@link PoolOptions#withBorrowTimeout} says. */
    public Borrow borrow(SocketAddress destination, Borrower borrower) {
        return borrow(destination, options.borrowNanos, borrower);
    }

    /**
     * Borrows a connection. Never waits: the borrower is told, by this call if there is a connection at hand.
     *
     * @param destination as {@link Dialer#dial(SocketAddress, Dial.Outcome)} takes it
     * @param timeoutNanos how long it may take; 0 for ever
     * @throws IllegalArgumentException if nobody can be dialed there
     */
    public Borrow borrow(SocketAddress destination, long timeoutNanos, Borrower borrower) {
        Dialer.requireDialable(destination);
        while (true) {
            Borrow borrow;
            Member found = null;
            NetparkException refusal = null;
            synchronized (lock) {
                borrow = new Borrow(this, destination(destination), timeoutNanos, borrower);
                if (draining) {
                    refusal = borrow.closed("the pool is closed");
                } else if (borrow.destination.waiting.isEmpty()) {
                    found = borrow.destination.idle.pollLast();
                    if (found != null) {
                        found.state = Member.State.LENT;
                    } else if (options.failFast && borrow.destination.isPausing()) {
                        refusal = borrow.destination.failing();
                    }
                }
                if (found == null && refusal == null) {
                    borrow.destination.waiting.add(borrow);
                    waiting.add(borrow);
                } else {
                    borrow.answered = true;
                }
            }
            if (refusal != null) {
                borrower.failed(refusal);
            } else if (found == null) {
                limitWaiting(borrow);
                goOn();
            } else if (!lend(found, borrower)) {
                continue; // it was of no use
            }
            return borrow;
        }
    }

    /** With the lock. */
    private Destination destination(SocketAddress address) {
        return destinations.computeIfAbsent(address, Destination::new);
    }

    /** Lends one that has just been taken from the idle ones, unless something has come; then it is closed. */
    private boolean lend(Member member, Borrower borrower) {
        member.unpark(); // or it is running by now, and finds that it is not idle any more
        Eviction reason = member.look();
        if (reason == null) {
            member.endWatch();
            reason = member.isOld(System.nanoTime()) ? Eviction.LIFETIME : null;
        }
        if (reason != null) {
            evict(member, reason);
            return false;
        }
        synchronized (lock) {
            tally.borrowed++;
        }
        tell(borrower, new Lease(this, member, System.nanoTime() - member.idleSince));
        if (options.fewestIdle > 0) {
            goOn();
        }
        return true;
    }

    private void tell(Borrower borrower, Lease lease) {
        try {
            borrower.lent(lease);
        } catch (Throwable e) {
            lease.discard();
            loop.report("What was to be lent a connection threw; it is closed", e);
        }
    }

    private void limitWaiting(Borrow borrow) {
        Timer timer = loop.newTimer(() -> timeOut(borrow), () -> loopsClosed(borrow));
        synchronized (lock) {
            if (borrow.answered) {
                return;
            }
            borrow.timer = timer;
        }
        if (!timer.arm(borrow.startNanos + (borrow.timeoutNanos == 0 ? NEVER : borrow.timeoutNanos))) {
            loopsClosed(borrow);
        }
    }

    private void loopsClosed(Borrow borrow) {
        synchronized (lock) {
            if (!answer(borrow)) {
                return;
            }
        }
        borrow.borrower.failed(borrow.closed("the event loops were closed"));
    }

    private void timeOut(Borrow borrow) {
        NetparkException failure;
        synchronized (lock) {
            if (!answer(borrow)) {
                return;
            }
            tally.timedOut++;
            failure = borrow.timedOut(state(borrow.destination));
        }
        borrow.borrower.failed(failure);
    }

    /** With the lock. */
    private String state(Destination destination) {
        NetparkException failure = destination.lastFailure;
        if (failure != null) {
            return "connecting failed " + destination.failures + " times, at last: " + failure.getMessage();
        }
        return destination.open + " are open there (of at most " + options.mostPerDestination + "), " + members.size()
                + " in all (of at most " + options.most + "), " + destination.waiting.size()
                + " more wait; borrow for shorter, or raise the limits";
    }

    boolean cancel(Borrow borrow) {
        synchronized (lock) {
            return answer(borrow);
        }
    }

    /** With the lock: takes it out of those who wait. Whoever gets true tells the borrower. */
    private boolean answer(Borrow borrow) {
        if (borrow.answered) {
            return false;
        }
        borrow.answered = true;
        borrow.destination.waiting.remove(borrow);
        waiting.remove(borrow);
        tally.waited(System.nanoTime() - borrow.startNanos);
        if (borrow.timer != null) {
            borrow.timer.disarm();
        }
        return true;
    }

    // Giving back

    void giveBack(Member member) {
        if (member.connection.isInUse()) {
            evict(member, Eviction.DISCARDED); // an operation that the borrower has left behind
        } else if (member.isOld(System.nanoTime())) {
            evict(member, Eviction.LIFETIME);
        } else {
            member.connection.forgetTimes();
            settle(member, member.watch());
        }
    }

    /** On the loop: an idle connection is not silent. */
    void noticed(Member member) {
        synchronized (lock) {
            if (member.state != Member.State.IDLE) {
                return; // lent at this moment: that looks as well
            }
            member.state = Member.State.LENT;
            member.destination.idle.remove(member);
        }
        member.unpark(); // a wake-up that comes late may be of the time before
        settle(member, member.look());
    }

    /** Of one that is watched and not parked, or of no use: goes to somebody who waits, or becomes idle, or is closed. */
    private void settle(Member member, @Nullable Eviction found) {
        Eviction reason = found;
        while (reason == null) {
            Borrow next = null;
            boolean idle = false;
            synchronized (lock) {
                if (draining) {
                    reason = Eviction.POOL_CLOSED;
                } else if (mustMakeRoom(member.destination)) {
                    reason = Eviction.ROOM;
                } else if (!member.destination.waiting.isEmpty()) {
                    next = member.destination.waiting.iterator().next();
                    answer(next);
                    tally.borrowed++;
                } else {
                    member.state = Member.State.IDLE;
                    member.idleSince = System.nanoTime();
                    idle = member.park();
                    if (idle) {
                        member.destination.idle.addLast(member);
                        sweep.plan(member);
                    } else {
                        member.state = Member.State.LENT;
                    }
                }
            }
            if (idle) {
                return;
            }
            if (next != null) {
                member.endWatch();
                tell(next.borrower, new Lease(this, member, 0));
                return;
            }
            if (reason == null) {
                reason = member.look();
            } else {
                member.endWatch();
            }
        }
        evict(member, reason);
    }

    /** With the lock: whether somebody has waited longer than all who want this destination, and only needs the room. */
    private boolean mustMakeRoom(Destination destination) {
        if (waiting.isEmpty()) {
            return false;
        }
        Destination first = waiting.iterator().next().destination;
        return first != destination && total() >= options.most && first.count() < options.mostPerDestination
                && first.dialing == 0 && !first.isPausing();
    }

    /** Closes a connection, and sees what can be done with the room. */
    void evict(Member member, Eviction reason) {
        boolean last;
        synchronized (lock) {
            if (member.state == Member.State.GONE) {
                return;
            }
            member.state = Member.State.GONE;
            members.remove(member);
            member.destination.open--;
            tally.evicted(reason);
            last = isDrained();
        }
        member.connection.close();
        if (last) {
            drained.complete(null);
        } else {
            goOn();
        }
    }

    // Dialing

    /** With the lock. */
    private boolean isDrained() {
        return draining && members.isEmpty() && dials.isEmpty();
    }

    private int total() {
        return members.size() + dials.size();
    }

    void connected(Dialing dialing, Connection connection) {
        Destination destination = dialing.destination;
        Member member = new Member(this, destination, connection, end());
        boolean again;
        synchronized (lock) {
            dials.remove(dialing);
            destination.dialing--;
            again = destination.failures > 0;
            destination.recovered();
            destination.open++;
            members.add(member);
            tally.created++;
        }
        settle(member, member.watch());
        if (again) {
            goOn(); // the others need not wait for the end of a pause any more
        }
    }

    void failed(Dialing dialing, NetparkException cause) {
        Destination destination = dialing.destination;
        List<Borrow> told = new ArrayList<>();
        boolean first;
        boolean last;
        synchronized (lock) {
            dials.remove(dialing);
            destination.dialing--;
            tally.dialFailures++;
            first = destination.failed(cause, options) && !draining;
            if (options.failFast) {
                told.addAll(destination.waiting);
                told.forEach(this::answer);
            }
            last = isDrained();
        }
        if (first) {
            loop.report("Connections to " + destination + " cannot be had for the pool, which goes on trying", cause);
        }
        for (Borrow borrow : told) {
            borrow.borrower.failed(cause);
        }
        if (last) {
            drained.complete(null);
        } else {
            goOn();
        }
    }

    private static final long NEVER = Long.MAX_VALUE / 2;

    private long end() {
        if (options.lifetimeNanos == 0) {
            return System.nanoTime() + NEVER;
        }
        return System.nanoTime() + options.lifetimeNanos - ThreadLocalRandom.current().nextLong(1 + options.lifetimeNanos / 10);
    }

    /** Dials what is wanted and allowed. Without the lock. */
    private void goOn() {
        while (true) {
            Dialing dialing;
            Member room = null;
            synchronized (lock) {
                Destination wanting = draining ? null : wanting();
                if (wanting == null) {
                    return;
                }
                if (total() >= options.most) {
                    room = longestIdle(wanting);
                    if (room == null) {
                        return;
                    }
                    room.state = Member.State.LENT;
                    room.destination.idle.remove(room);
                }
                dialing = new Dialing(this, wanting);
                wanting.dialing++;
                dials.add(dialing);
            }
            if (room != null) {
                retire(room, Eviction.ROOM);
            }
            dialing.start(dialer);
            boolean late;
            synchronized (lock) {
                late = draining; // drain() has not seen it, perhaps
            }
            if (late) {
                dialing.cancel();
            }
        }
    }

    /** With the lock: the destination to dial next, of those where it is allowed; null if there is none. */
    private @Nullable Destination wanting() {
        Destination longest = null;
        for (Destination destination : destinations.values()) {
            if (destination.waiting.size() > destination.dialing && mayDial(destination)
                    && (longest == null || destination.firstWaitsSince() - longest.firstWaitsSince() < 0)) {
                longest = destination;
            }
        }
        if (longest != null) {
            return longest;
        }
        if (options.fewestIdle > 0 && total() < options.most) {
            for (Destination destination : destinations.values()) {
                if (destination.idle.size() + destination.dialing - destination.waiting.size() < options.fewestIdle
                        && mayDial(destination)) {
                    return destination;
                }
            }
        }
        return null;
    }

    private boolean mayDial(Destination destination) {
        if (destination.count() >= options.mostPerDestination) {
            return false;
        }
        if (destination.isPausing()) {
            planRetry(destination);
            return false;
        }
        return destination.failures == 0 || destination.dialing == 0; // one, to see whether it is there again
    }

    private void planRetry(Destination destination) {
        if (destination.retry == null) {
            destination.retry = loop.newTimer(() -> {
                synchronized (lock) {
                    destination.retry = null;
                }
                goOn();
            });
            destination.retry.arm(destination.retryNanos);
        }
    }

    /** With the lock: of the idle connections to other destinations, the one that is idle for longest. */
    private @Nullable Member longestIdle(Destination wanting) {
        Member longest = null;
        for (Destination destination : destinations.values()) {
            Member first = destination == wanting ? null : destination.idle.peekFirst();
            if (first != null && (longest == null || first.idleSince - longest.idleSince < 0)) {
                longest = first;
            }
        }
        return longest;
    }

    // Time

    /** Makes connections to a destination until as many are idle as {@link PoolOptions#withFewestIdle} says. Never waits. */
    public void warmUp(SocketAddress destination) {
        Dialer.requireDialable(destination);
        synchronized (lock) {
            destination(destination);
        }
        goOn();
    }

    /** On the loop. */
    private void sweep() {
        List<Member> over;
        synchronized (lock) {
            over = sweep.findOver(destinations.values());
            destinations.values().removeIf(destination -> options.fewestIdle == 0 && destination.isUnused());
        }
        long now = System.nanoTime();
        over.forEach(member -> retire(member, member.isOld(now) ? Eviction.LIFETIME : Eviction.IDLE));
    }

    /** Closes one that has just been taken from the idle ones. */
    private void retire(Member member, Eviction reason) {
        member.unpark(); // or it is running by now, and finds that it is not idle any more
        member.endWatch();
        evict(member, reason);
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
        boolean none;
        synchronized (lock) {
            draining = true;
            told = List.copyOf(waiting);
            told.forEach(this::answer);
            for (Destination destination : destinations.values()) {
                destination.idle.forEach(member -> member.state = Member.State.LENT);
                idle.addAll(destination.idle);
                destination.idle.clear();
                if (destination.retry != null) {
                    destination.retry.disarm();
                }
            }
            sweep.stop();
            dialed = List.copyOf(dials);
            none = isDrained();
        }
        for (Dialing dialing : dialed) {
            dialing.cancel();
        }
        told.forEach(borrow -> borrow.borrower.failed(borrow.closed("the pool is closed")));
        idle.forEach(member -> retire(member, Eviction.POOL_CLOSED));
        if (none) {
            drained.complete(null);
        }
        return drained.copy();
    }

    /** As {@link #drain}, and closes the connections that are lent as well. Returns how many these were. */
    public int cut() {
        drain();
        List<Member> rest;
        synchronized (lock) {
            rest = List.copyOf(members);
        }
        rest.forEach(member -> evict(member, Eviction.POOL_CLOSED));
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
        synchronized (lock) {
            Map<SocketAddress, PoolSnapshot.Part> parts = new HashMap<>();
            int idle = 0;
            for (Destination destination : destinations.values()) {
                idle += destination.idle.size();
                parts.put(destination.address, new PoolSnapshot.Part(destination.open, destination.idle.size(),
                        destination.dialing, destination.waiting.size(), destination.failures > 0));
            }
            return new PoolSnapshot(members.size(), idle, dials.size(), waiting.size(), tally.created, tally.dialFailures,
                    tally.borrowed, tally.waited, tally.waitedNanos, tally.longestWaitNanos, tally.timedOut,
                    Map.copyOf(tally.evicted), Map.copyOf(parts));
        }
    }

    @Override
    public String toString() {
        synchronized (lock) {
            return "pool of " + members.size() + " connections to " + destinations.size() + " destinations";
        }
    }
}
