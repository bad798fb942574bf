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
    /** Somebody is in {@link #goOn}, and looks once more before it leaves. */
    private boolean goingOn;
    private final List<Destination> retriesToPlan = new ArrayList<>();
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

    /** How long a borrower waits who names no time; 0 for ever. */
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
     * @param timeoutNanos how long it may take, not negative; 0 for ever
     * @throws IllegalArgumentException if nobody can be dialed there, or the time is negative
     */
    public Borrow borrow(SocketAddress destination, long timeoutNanos, Borrower borrower) {
        if (timeoutNanos < 0) {
            throw new IllegalArgumentException("the time to borrow a connection cannot be negative: " + timeoutNanos + " ns");
        }
        SocketAddress address = Dialer.requireDialable(destination);
        while (true) {
            Borrow borrow;
            Member found = null;
            NetparkException refusal = null;
            synchronized (lock) {
                borrow = new Borrow(this, destination(address), Math.min(timeoutNanos, NEVER), borrower);
                if (draining) {
                    refusal = borrow.closed("the pool is closed");
                } else if (borrow.destination.waiting.isEmpty()) {
                    found = borrow.destination.idle.pollLast();
                    if (found != null) {
                        found.destination.change(found, Member.State.LENT);
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
                tell(borrower, refusal);
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
        return draining ? new Destination(address) : destinations.computeIfAbsent(address, Destination::new);
    }

    /** With the lock: forgets an address of which there is nothing to be remembered. */
    private void forgetIfUnused(Destination destination) {
        if (options.fewestIdle == 0 && destination.isUnused()) {
            destinations.remove(destination.address, destination);
        }
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

    private void tell(Borrower borrower, NetparkException failure) {
        try {
            borrower.failed(failure);
        } catch (Throwable e) {
            loop.report("What was to be told that there is no connection threw", e);
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
        boolean answered;
        synchronized (lock) {
            answered = borrow.answered;
        }
        if (answered) {
            timer.disarm(); // whoever has answered came before it was armed, perhaps
        }
    }

    private void loopsClosed(Borrow borrow) {
        synchronized (lock) {
            if (!answer(borrow)) {
                return;
            }
        }
        tell(borrow.borrower, borrow.closed("the event loops were closed"));
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
        tell(borrow.borrower, failure);
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
            if (!answer(borrow)) {
                return false;
            }
        }
        borrow.disarm();
        return true;
    }

    /** With the lock: takes it out of those who wait. Whoever gets true disarms its timer and tells the borrower, without. */
    private boolean answer(Borrow borrow) {
        if (borrow.answered) {
            return false;
        }
        borrow.answered = true;
        borrow.destination.waiting.remove(borrow);
        waiting.remove(borrow);
        tally.waited(System.nanoTime() - borrow.startNanos);
        forgetIfUnused(borrow.destination);
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
            member.destination.change(member, Member.State.LENT);
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
            boolean othersWait;
            synchronized (lock) {
                if (member.state == Member.State.GONE) {
                    return; // closed on this thread, by an attempt to park
                }
                if (draining) {
                    reason = Eviction.POOL_CLOSED;
                } else if (mustMakeRoom(member.destination)) {
                    reason = Eviction.ROOM;
                } else if (!member.destination.waiting.isEmpty()) {
                    next = member.destination.waiting.iterator().next();
                    member.destination.change(member, Member.State.LENT);
                    answer(next);
                    tally.borrowed++;
                } else {
                    member.destination.change(member, Member.State.IDLE);
                    member.idleSince = System.nanoTime();
                    member.destination.idle.addLast(member); // before it is parked: it may be noticed by then
                    idle = member.park();
                    if (!idle) {
                        member.destination.idle.remove(member);
                        if (member.state == Member.State.IDLE) {
                            member.destination.change(member, Member.State.LENT);
                        }
                    }
                }
                othersWait = !waiting.isEmpty();
            }
            if (idle) {
                sweep.plan(member);
            } else if (next != null) {
                next.disarm();
                member.endWatch();
                tell(next.borrower, new Lease(this, member, 0));
            }
            if (idle || next != null) {
                if (othersWait) {
                    goOn(); // it may be the room for them
                }
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
            member.destination.change(member, Member.State.GONE);
            members.remove(member);
            member.destination.open--;
            tally.evicted(reason);
            forgetIfUnused(member.destination);
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
            destination.arriving++;
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
        boolean plan;
        synchronized (lock) {
            dials.remove(dialing);
            destination.dialing--;
            tally.dialFailures++;
            first = destination.failed(cause, options) && !draining;
            if (options.failFast) {
                told.addAll(destination.waiting);
                told.forEach(this::answer);
            }
            plan = !destination.retryPlanned && !draining;
            destination.retryPlanned |= plan;
            last = isDrained();
        }
        if (plan) {
            planRetry(destination);
        }
        if (first) {
            loop.report("Connections to " + destination + " cannot be had for the pool, which goes on trying", cause);
        }
        for (Borrow borrow : told) {
            borrow.disarm();
            tell(borrow.borrower, cause);
        }
        if (last) {
            drained.complete(null);
        } else {
            goOn();
        }
    }

    /** A destination that failed, and that nobody has wanted since, is remembered for so long: then the episode is over. */
    private static final long EPISODE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private static final long NEVER = Long.MAX_VALUE / 2;

    private long end() {
        if (options.lifetimeNanos == 0) {
            return System.nanoTime() + NEVER;
        }
        return System.nanoTime() + options.lifetimeNanos - ThreadLocalRandom.current().nextLong(1 + options.lifetimeNanos / 10);
    }

    /** Dials what is wanted and allowed. Without the lock. */
    private void goOn() {
        synchronized (lock) {
            if (goingOn) { // on another thread, or this one: a dial that fails at once must not nest
                return;
            }
            goingOn = true;
        }
        try {
            while (dialNext()) {
                // What has been dialed may have failed already.
            }
        } catch (Throwable e) {
            synchronized (lock) {
                goingOn = false;
            }
            throw e;
        }
    }

    /** Returns false if there is nothing to dial, and then going on has ended. */
    private boolean dialNext() {
        Dialing dialing = null;
        Member room = null;
        List<Destination> retries;
        synchronized (lock) {
            Destination wanting = draining ? null : wanting();
            if (wanting != null && total() >= options.most) {
                room = longestIdle(wanting);
                if (room == null) {
                    wanting = null;
                } else {
                    room.destination.change(room, Member.State.LENT);
                    room.destination.idle.remove(room);
                }
            }
            if (wanting != null) {
                dialing = new Dialing(this, wanting);
                wanting.dialing++;
                dials.add(dialing);
            } else {
                goingOn = false;
            }
            retries = retriesToPlan.isEmpty() ? List.of() : List.copyOf(retriesToPlan);
            retriesToPlan.clear();
        }
        retries.forEach(this::planRetry);
        if (room != null) {
            retire(room, Eviction.ROOM);
        }
        if (dialing == null) {
            return false;
        }
        dialing.start(dialer);
        boolean late;
        synchronized (lock) {
            late = draining; // drain() has not seen it, perhaps
        }
        if (late) {
            dialing.cancel();
        }
        return true;
    }

    /** With the lock: the destination to dial next, of those where it is allowed; null if there is none. */
    private @Nullable Destination wanting() {
        Destination longest = null;
        for (Destination destination : destinations.values()) {
            if (destination.waiting.size() > destination.coming() && mayDial(destination)
                    && (longest == null || destination.firstWaitsSince() - longest.firstWaitsSince() < 0)) {
                longest = destination;
            }
        }
        if (longest != null) {
            return longest;
        }
        if (options.fewestIdle > 0 && total() < options.most) {
            for (Destination destination : destinations.values()) {
                if (destination.idle.size() + destination.coming() - destination.waiting.size() < options.fewestIdle
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
            if (!destination.retryPlanned) {
                destination.retryPlanned = true;
                retriesToPlan.add(destination);
            }
            return false;
        }
        return destination.failures == 0 || destination.dialing == 0; // one, to see whether it is there again
    }

    /** Without the lock, as arming a timer may run tasks of a loop that ends. */
    private void planRetry(Destination destination) {
        loop.newTimer(() -> retryIsDue(destination)).arm(destination.retryNanos);
    }

    /** On the loop: the pause of a destination is over. If nobody wants it any more it is forgotten after a while. */
    private void retryIsDue(Destination destination) {
        boolean forget;
        synchronized (lock) {
            destination.retryPlanned = false;
            forget = destination.failures > 0 && destination.waiting.isEmpty() && destination.count() == 0
                    && options.fewestIdle == 0;
            if (forget && System.nanoTime() - destination.retryNanos >= EPISODE_NANOS) {
                destination.recovered();
                forgetIfUnused(destination);
                return;
            }
        }
        if (forget) {
            loop.newTimer(() -> retryIsDue(destination)).arm(destination.retryNanos + EPISODE_NANOS);
        } else {
            goOn();
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
        SocketAddress address = Dialer.requireDialable(destination);
        synchronized (lock) {
            destination(address);
        }
        goOn();
    }

    /** On the loop. */
    private void sweep() {
        List<Member> over;
        synchronized (lock) {
            over = sweep.findOver(destinations.values());
        }
        sweep.arm();
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
                destination.idle.forEach(member -> member.destination.change(member, Member.State.LENT));
                idle.addAll(destination.idle);
                destination.idle.clear();
            }
            dialed = List.copyOf(dials);
            none = isDrained();
        }
        sweep.stop();
        for (Dialing dialing : dialed) {
            dialing.cancel();
        }
        for (Borrow borrow : told) {
            borrow.disarm();
            tell(borrow.borrower, borrow.closed("the pool is closed"));
        }
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
