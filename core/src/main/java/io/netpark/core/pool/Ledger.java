package io.netpark.core.pool;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a pool has, who wants it, and what follows from that. It acts on nothing: the pool does, when it has let go of the
 * lock. That is the monitor of the ledger; all of this is called, read and written with it held.
 */
final class Ledger {

    private final PoolOptions options;
    private final Clock clock;
    /** Made once: each borrow asks for its destination. */
    private final Function<SocketAddress, Destination> fresh;
    final Map<SocketAddress, Destination> destinations = new HashMap<>();
    final LinkedHashSet<Member> members = new LinkedHashSet<>();
    /** Of all destinations, in the order in which they came. */
    final LinkedHashSet<Borrow> waiting = new LinkedHashSet<>();
    private long turns;
    final LinkedHashSet<Dialing> dials = new LinkedHashSet<>();
    /** Of these a timer has to be armed, which is done without the lock. */
    private final ArrayDeque<Destination> retriesToPlan = new ArrayDeque<>();
    /** Members that are gone, and not closed yet: their places are not free. */
    private int closing;
    boolean draining;
    final Tally tally = new Tally();

    Ledger(PoolOptions options, Clock clock) {
        this.clock = clock;
        this.fresh = address -> new Destination(address, clock);
        this.options = options;
    }

    Destination destination(SocketAddress address) {
        return draining ? fresh.apply(address) : destinations.computeIfAbsent(address, fresh);
    }

    /** Forgets an address of which there is nothing to be remembered. */
    void forgetIfUnused(Destination destination) {
        if (options.minIdle == 0 && destination.isUnused()) {
            destinations.remove(destination.address, destination);
        }
    }

    /** Takes it out of those who wait. Whoever gets true disarms its timer and tells the borrower, without. */
    boolean answer(Borrow borrow) {
        if (borrow.answered) {
            return false;
        }
        borrow.answered = true;
        borrow.destination.waiting.remove(borrow);
        waiting.remove(borrow);
        tally.waited(clock.nanoTime() - borrow.startNanos);
        forgetIfUnused(borrow.destination);
        return true;
    }

    /** One finds nothing at hand, and does not wait. */
    NetparkException refuse(Borrow borrow) {
        tally.timedOut++;
        NetparkException refusal = borrow.timedOut(state(borrow.destination));
        forgetIfUnused(borrow.destination);
        return refusal;
    }

    /** One more waits. Its turn decides who comes first, and not the time at which it came here: that may be another's, too. */
    void await(Borrow borrow) {
        borrow.turn = ++turns;
        waiting.add(borrow);
        try {
            borrow.destination.waiting.add(borrow);
        } catch (Throwable e) {
            waiting.remove(borrow);
            throw e;
        }
    }

    /** A dial begins. */
    Dialing dials(Supply supply, Destination destination) {
        Dialing dialing = new Dialing(supply, destination);
        dials.add(dialing);
        destination.dialing++;
        return dialing;
    }

    /** It has ended; false if it had before. */
    boolean ended(Dialing dialing) {
        if (!dials.remove(dialing)) {
            return false;
        }
        dialing.destination.dialing--;
        return true;
    }

    /** What a dial has made: true, or it had ended before. */
    boolean arrived(Dialing dialing, Member member) {
        if (!dials.contains(dialing)) {
            return false;
        }
        members.add(member); // what may need memory comes first
        ended(dialing);
        member.destination.recovered();
        member.destination.open++;
        member.destination.arriving++;
        tally.created++;
        return true;
    }

    /** Nobody gets it any more, and it is about to be closed; false if that was so already. */
    boolean leaves(Member member) {
        if (member.state == Member.State.GONE) {
            return false;
        }
        member.destination.change(member, Member.State.GONE);
        closing++;
        return true;
    }

    /** It is closed: only now others may have its place. */
    void left(Member member, Eviction reason) {
        members.remove(member);
        closing--;
        member.destination.left(member);
        tally.evicted(reason);
        forgetIfUnused(member.destination);
    }

    /** Whether a place is about to be free. */
    boolean isMakingRoom() {
        return closing > 0;
    }

    @Nullable Destination nextRetryToPlan() {
        return retriesToPlan.poll();
    }

    String state(Destination destination) {
        NetparkException failure = destination.lastFailure;
        if (failure != null) {
            return "connecting failed " + destination.failures + " times, at last: " + failure.getMessage();
        }
        return destination.open + " are open there (of at most " + options.maxPerDestination + "), " + members.size()
                + " in all (of at most " + options.maxConnections + "), " + destination.waiting.size()
                + " more wait; borrow for shorter, or raise the limits";
    }

    /** Whether somebody has waited longer than all who want this destination, and only needs the room. */
    boolean mustMakeRoom(Destination destination) {
        if (waiting.isEmpty()) {
            return false;
        }
        Destination first = waiting.iterator().next().destination;
        return first != destination && closing == 0 && total() >= options.maxConnections && first.count() < options.maxPerDestination
                && first.dialing == 0 && !first.isPausing();
    }

    boolean isAllClosed() {
        return draining && members.isEmpty() && dials.isEmpty();
    }

    int total() {
        return members.size() + dials.size();
    }

    /** The destination to dial next, of those where it is allowed; null if there is none. */
    @Nullable Destination wanting() {
        Destination longest = null;
        for (Destination destination : destinations.values()) {
            if (destination.waiting.size() > destination.coming() && mayDial(destination)
                    && (longest == null || destination.firstTurn() < longest.firstTurn())) {
                longest = destination;
            }
        }
        if (longest != null) {
            return longest;
        }
        if (options.minIdle > 0 && total() < options.maxConnections) {
            for (Destination destination : destinations.values()) {
                if (destination.ready() - destination.waiting.size() < options.minIdle && mayDial(destination)) {
                    return destination;
                }
            }
        }
        return null;
    }

    private boolean mayDial(Destination destination) {
        if (destination.count() >= options.maxPerDestination) {
            return false;
        }
        if (destination.isPausing()) {
            if (!destination.retryPlanned) {
                retriesToPlan.add(destination);
                destination.retryPlanned = true;
            }
            return false;
        }
        return destination.failures == 0 || destination.dialing == 0; // one, to see whether it is there again
    }

    /** Of the idle connections to other destinations, the one that is idle for longest. */
    @Nullable Member longestIdle(Destination wanting) {
        Member longest = null;
        for (Destination destination : destinations.values()) {
            Member first = destination == wanting ? null : destination.idle.peekFirst();
            if (first != null && (longest == null || first.idleSince - longest.idleSince < 0)) {
                longest = first;
            }
        }
        return longest;
    }

    /**
     * What one change of a connection does to several of these numbers is done with the lock held once: no snapshot has half of it.
     */
    PoolSnapshot snapshot() {
        Map<SocketAddress, PoolSnapshot.Part> parts = new HashMap<>();
        int idle = 0;
        for (Destination destination : destinations.values()) {
            int unlent = destination.open - destination.lent;
            idle += unlent;
            parts.put(destination.address, new PoolSnapshot.Part(destination.open, unlent,
                    destination.dialing, destination.waiting.size(), destination.failures > 0));
        }
        return new PoolSnapshot(members.size(), idle, dials.size(), waiting.size(), tally.created, tally.dialFailures,
                tally.borrowed, tally.waited, tally.waitedNanos, tally.longestWaitNanos, tally.timedOut,
                Map.copyOf(tally.evicted()), Map.copyOf(parts));
    }
}
