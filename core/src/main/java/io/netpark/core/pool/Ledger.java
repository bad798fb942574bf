package io.netpark.core.pool;

import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a pool has, who wants it, and what follows from that. It acts on nothing: the pool does, when it has let go of the
 * lock. That is the monitor of the ledger; all of this is called, read and written with it held.
 */
final class Ledger {

    private final PoolOptions options;
    final Map<SocketAddress, Destination> destinations = new HashMap<>();
    final LinkedHashSet<Member> members = new LinkedHashSet<>();
    /** Of all destinations, in the order in which they came. */
    final LinkedHashSet<Borrow> waiting = new LinkedHashSet<>();
    final LinkedHashSet<Dialing> dials = new LinkedHashSet<>();
    /** Of these a timer has to be armed, which is done without the lock. */
    final List<Destination> retriesToPlan = new ArrayList<>();
    boolean draining;
    final Tally tally = new Tally();

    Ledger(PoolOptions options) {
        this.options = options;
    }

    Destination destination(SocketAddress address) {
        return draining ? new Destination(address) : destinations.computeIfAbsent(address, Destination::new);
    }

    /** Forgets an address of which there is nothing to be remembered. */
    void forgetIfUnused(Destination destination) {
        if (options.fewestIdle == 0 && destination.isUnused()) {
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
        tally.waited(System.nanoTime() - borrow.startNanos);
        forgetIfUnused(borrow.destination);
        return true;
    }

    String state(Destination destination) {
        NetparkException failure = destination.lastFailure;
        if (failure != null) {
            return "connecting failed " + destination.failures + " times, at last: " + failure.getMessage();
        }
        return destination.open + " are open there (of at most " + options.mostPerDestination + "), " + members.size()
                + " in all (of at most " + options.most + "), " + destination.waiting.size()
                + " more wait; borrow for shorter, or raise the limits";
    }

    /** Whether somebody has waited longer than all who want this destination, and only needs the room. */
    boolean mustMakeRoom(Destination destination) {
        if (waiting.isEmpty()) {
            return false;
        }
        Destination first = waiting.iterator().next().destination;
        return first != destination && total() >= options.most && first.count() < options.mostPerDestination
                && first.dialing == 0 && !first.isPausing();
    }

    boolean isDrained() {
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

    PoolSnapshot snapshot() {
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
