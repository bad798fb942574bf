package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Dial;
import io.netpark.core.net.Dialer;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
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
    private final Timer sweep;
    /** When {@link #sweep} is due, as a nanoTime; meaningful while it is armed. */
    private long sweepNanos;
    private boolean sweepArmed;

    private final Map<Eviction, Long> evicted = new EnumMap<>(Eviction.class);
    private long created;
    private long dialFailures;
    private long borrowed;
    private long waited;
    private long waitedNanos;
    private long longestWaitNanos;
    private long timedOut;

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
        this.sweep = loop.newTimer(this::sweep);
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
                    refusal = closed(borrow);
                } else if (borrow.destination.waiting.isEmpty()) {
                    found = borrow.destination.idle.pollLast();
                    if (found != null) {
                        found.state = Member.State.LENT;
                    } else if (options.failFast && borrow.destination.isPausing()) {
                        refusal = failing(borrow.destination);
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
        Eviction reason = member.endNanos - System.nanoTime() <= 0 ? endOf(member) : member.look();
        if (reason != null) {
            evict(member, reason);
            return false;
        }
        member.endWatch();
        synchronized (lock) {
            borrowed++;
        }
        tell(borrower, new Lease(this, member, System.nanoTime() - member.idleSince));
        if (options.fewestIdle > 0) {
            goOn();
        }
        return true;
    }

    private static Eviction endOf(Member member) {
        member.endWatch();
        return Eviction.LIFETIME;
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
        borrow.borrower.failed(new NetparkException.Closed(
                "borrow a connection to " + borrow.destination + ": the event loops were closed"));
    }

    private void timeOut(Borrow borrow) {
        NetparkException failure;
        synchronized (lock) {
            if (!answer(borrow)) {
                return;
            }
            timedOut++;
            failure = new NetparkException.TimedOut(NetparkException.Timeout.BORROW, "borrow a connection to " + borrow.destination
                    + ": none within " + TimeUnit.NANOSECONDS.toMillis(borrow.timeoutNanos) + " ms; " + state(borrow.destination));
            failure.initCause(borrow.destination.lastFailure);
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
        long time = System.nanoTime() - borrow.startNanos;
        waited++;
        waitedNanos += time;
        longestWaitNanos = Math.max(longestWaitNanos, time);
        if (borrow.timer != null) {
            borrow.timer.disarm();
        }
        return true;
    }

    private static NetparkException closed(Borrow borrow) {
        return new NetparkException.Closed("borrow a connection to " + borrow.destination + ": the pool is closed");
    }

    private static NetparkException failing(Destination destination) {
        NetparkException last = destination.lastFailure;
        assert last != null;
        NetparkException failing = NetparkException.like(last, "borrow a connection to " + destination
                + ": connecting has failed, and will be tried again in "
                + Math.max(1, TimeUnit.NANOSECONDS.toMillis(destination.retryNanos - System.nanoTime())) + " ms; it said: "
                + last.getMessage());
        failing.initCause(last);
        return failing;
    }

    // Giving back

    void giveBack(Member member) {
        if (member.connection.isInUse()) {
            evict(member, Eviction.DISCARDED); // an operation that the borrower has left behind
        } else if (member.endNanos - System.nanoTime() <= 0) {
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
                    borrowed++;
                } else {
                    member.state = Member.State.IDLE;
                    member.idleSince = System.nanoTime();
                    idle = member.park();
                    if (idle) {
                        member.destination.idle.addLast(member);
                        planSweep(member);
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
            evicted.merge(reason, 1L, Long::sum);
            last = draining && members.isEmpty() && dials.isEmpty();
        }
        member.connection.close();
        if (last) {
            drained.complete(null);
        } else {
            goOn();
        }
    }

    // Dialing

    private int total() {
        return members.size() + dials.size();
    }

    /** One attempt to connect. */
    private final class Dialing implements Dial.Outcome {
        final Destination destination;
        volatile @Nullable Dial dial;

        Dialing(Destination destination) {
            this.destination = destination;
        }

        /** As the pool is closed. */
        void cancel() {
            Dial dial = this.dial;
            if (dial != null && dial.cancel()) {
                failed(new NetparkException.Closed("connect to " + destination + ": the pool was closed"));
            }
        }

        @Override
        public void connected(Connection connection) {
            Member member = new Member(Pool.this, destination, connection, end());
            boolean ended;
            boolean again;
            synchronized (lock) {
                ended = dials.remove(this);
                destination.dialing--;
                again = destination.failures > 0;
                destination.failures = 0;
                destination.lastFailure = null;
                destination.open++;
                members.add(member);
                created++;
            }
            settle(member, ended ? member.watch() : Eviction.POOL_CLOSED);
            if (again) {
                goOn(); // the others need not wait for the end of a pause any more
            }
        }

        @Override
        public void failed(NetparkException cause) {
            List<Borrow> told = new ArrayList<>();
            boolean first;
            boolean last;
            synchronized (lock) {
                dials.remove(this);
                destination.dialing--;
                dialFailures++;
                first = destination.failures++ == 0 && !draining;
                destination.lastFailure = cause;
                long pause = Math.min(options.lastBackOffNanos,
                        options.firstBackOffNanos << Math.min(20, destination.failures - 1));
                destination.retryNanos = System.nanoTime() + pause - ThreadLocalRandom.current().nextLong(1 + pause / 10);
                if (options.failFast) {
                    told.addAll(destination.waiting);
                    told.forEach(Pool.this::answer);
                }
                last = draining && members.isEmpty() && dials.isEmpty();
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
                dialing = new Dialing(wanting);
                wanting.dialing++;
                dials.add(dialing);
            }
            if (room != null) {
                room.unpark();
                room.endWatch();
                evict(room, Eviction.ROOM);
            }
            dial(dialing);
        }
    }

    private void dial(Dialing dialing) {
        Dial dial = dialer.dial(dialing.destination.address, dialing);
        boolean late;
        synchronized (lock) {
            dialing.dial = dial;
            late = draining; // drain() has not seen it, perhaps
        }
        if (late) {
            dialing.cancel();
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

    /** With the lock, for one that has become idle. */
    private void planSweep(Member member) {
        planSweepAt(due(member));
    }

    private long due(Member member) {
        long idleEnd = options.idleNanos == 0 ? member.endNanos : member.idleSince + options.idleNanos;
        return idleEnd - member.endNanos < 0 ? idleEnd : member.endNanos;
    }

    /** On the loop: closes what has been idle for too long or is too old, and plans the next time. */
    private void sweep() {
        Map<Member, Eviction> over = new HashMap<>();
        synchronized (lock) {
            sweepArmed = false;
            long now = System.nanoTime();
            for (Destination destination : destinations.values()) {
                int keep = options.fewestIdle;
                int left = destination.idle.size();
                for (Member member : List.copyOf(destination.idle)) { // those that are idle for longest first
                    boolean old = member.endNanos - now <= 0;
                    boolean unused = options.idleNanos > 0 && member.idleSince + options.idleNanos - now <= 0;
                    if (old || unused && left > keep) {
                        left--;
                        destination.idle.remove(member);
                        member.state = Member.State.LENT;
                        over.put(member, old ? Eviction.LIFETIME : Eviction.IDLE);
                    } else if (unused) { // one of the fewest: until it is old
                        planSweepAt(member.endNanos);
                    } else {
                        planSweepAt(due(member));
                    }
                }
            }
            destinations.values().removeIf(destination -> options.fewestIdle == 0 && destination.count() == 0
                    && destination.waiting.isEmpty() && destination.failures == 0);
        }
        over.forEach((member, reason) -> {
            member.unpark();
            member.endWatch();
            evict(member, reason);
        });
    }

    private void planSweepAt(long due) {
        if (!sweepArmed || due - sweepNanos < 0) {
            sweepArmed = true;
            sweepNanos = due;
            sweep.arm(due);
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
            sweep.disarm();
            dialed = List.copyOf(dials);
            none = members.isEmpty() && dials.isEmpty();
        }
        for (Dialing dialing : dialed) {
            dialing.cancel();
        }
        told.forEach(borrow -> borrow.borrower.failed(closed(borrow)));
        idle.forEach(member -> {
            member.unpark();
            member.endWatch();
            evict(member, Eviction.POOL_CLOSED);
        });
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
            return new PoolSnapshot(members.size(), idle, dials.size(), waiting.size(), created, dialFailures, borrowed, waited,
                    waitedNanos, longestWaitNanos, timedOut, Map.copyOf(evicted), Map.copyOf(parts));
        }
    }

    @Override
    public String toString() {
        synchronized (lock) {
            return "pool of " + members.size() + " connections to " + destinations.size() + " destinations";
        }
    }
}
