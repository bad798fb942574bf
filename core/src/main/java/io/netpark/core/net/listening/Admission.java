package io.netpark.core.net.listening;

import io.netpark.core.net.streams.Departure;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many connections a server takes, in all and from one address. Counts those that are open, so one object belongs to one
 * server; several listeners may share it. Every method may be called by any thread.
 *
 * <p>A connection that is refused is reset at once, so that its peer knows, and this side keeps no TIME_WAIT. Refusing is
 * reported once an episode.
 */
public final class Admission {

    /** What happens to connections in excess of the limit in all. */
    public enum Excess {
        /** They are accepted and reset. */
        REFUSE,
        /** They wait in the backlog: nobody is accepted until there is room. */
        WAIT
    }

    private final int limit;
    private final int limitPerSource;
    private final Excess excess;

    private final AtomicInteger open = new AtomicInteger();
    private final AtomicLong refused = new AtomicLong();
    /** By address bytes. Empty unless there is a limit per source. */
    private final ConcurrentHashMap<ByteBuffer, Integer> openBySource = new ConcurrentHashMap<>();
    /** What tells the listeners that wait for room. */
    private final Set<Runnable> waiting = ConcurrentHashMap.newKeySet();
    private volatile boolean refusing;
    /** One object for all connections, which call {@link #leave} by it. */
    private final Departure departure = this::leave;

    private Admission(int limit, int limitPerSource, Excess excess) {
        this.limit = limit;
        this.limitPerSource = limitPerSource;
        this.excess = excess;
    }

    /**
     * So many connections at a time.
     *
     * @param excess what to do with more
     */
    public static Admission of(int connections, Excess excess) {
        return new Admission(positive(connections), Integer.MAX_VALUE, Objects.requireNonNull(excess, "excess"));
    }

    /** So many connections at a time from one address, as many in all as come. Those in excess are refused. */
    public static Admission perSource(int connections) {
        return new Admission(Integer.MAX_VALUE, positive(connections), Excess.REFUSE);
    }

    /**
     * So many connections at a time, of which so many from one address. Those in excess of the latter are refused in any case:
     * an address is known only after accepting.
     */
    public static Admission of(int connections, Excess excess, int perSource) {
        return new Admission(positive(connections), positive(perSource), Objects.requireNonNull(excess, "excess"));
    }

    private static int positive(int connections) {
        if (connections < 1) {
            throw new IllegalArgumentException("a limit of connections must be positive, not " + connections);
        }
        return connections;
    }

    /** How many are open. */
    public int open() {
        return open.get();
    }

    /** How many have been refused since the beginning. */
    public long refused() {
        return refused.get();
    }

    // For listeners

    /**
     * Takes a place for whoever is accepted next, if those in excess are to wait; so listeners cannot take the last place
     * twice. To be followed by {@link #enter} or {@link #unreserve}.
     *
     * @param roomAgain the listener's, always the same: called when there is a place, by whoever has given it up
     * @return false if there is none now
     */
    boolean reserve(Runnable roomAgain) {
        if (excess == Excess.REFUSE || take()) {
            return true;
        }
        waiting.add(roomAgain);
        // After adding it: either this finds room, or whoever leaves finds it waiting.
        if (!take()) {
            return false;
        }
        waiting.remove(roomAgain);
        return true;
    }

    /** Nobody was accepted. */
    void unreserve() {
        if (excess == Excess.WAIT) {
            giveBack();
        }
    }

    private boolean take() {
        int seen;
        do { // never more than the limit, not even for an instant: somebody else would find no room where there is some
            seen = open.get();
            if (seen >= limit) {
                return false;
            }
        } while (!open.compareAndSet(seen, seen + 1));
        return true;
    }

    private void giveBack() {
        open.decrementAndGet();
        for (Runnable roomAgain : waiting) {
            if (waiting.remove(roomAgain)) {
                roomAgain.run();
            }
        }
    }

    /** What connections that have {@linkplain #enter entered} call when nothing is left of them. */
    Departure departure() {
        return departure;
    }

    /** A listener that waits for room is closed. */
    void forget(Runnable roomAgain) {
        waiting.remove(roomAgain);
    }

    /** Whether a connection may stay. If so, {@link #leave} is due when it is closed. */
    boolean enter(byte[] remote) {
        if (excess == Excess.REFUSE && !take()) {
            return refuse();
        }
        if (limitPerSource < Integer.MAX_VALUE && exceedsLimit(remote)) {
            leave(remote);
            return refuse();
        }
        refusing = false;
        return true;
    }

    /** Counts the source. Where that fails, for want of memory, a place that was taken here is given back. */
    private boolean exceedsLimit(byte[] remote) {
        boolean counted = false;
        try {
            boolean exceeds = openBySource.merge(source(remote), 1, Integer::sum) > limitPerSource;
            counted = true;
            return exceeds;
        } finally {
            if (!counted && excess == Excess.REFUSE) {
                giveBack();
            }
        }
    }

    private boolean refuse() {
        refused.incrementAndGet();
        return false;
    }

    /** Whether this is the first refusal since somebody was let in. */
    boolean beginsRefusing() {
        boolean first = !refusing;
        refusing = true;
        return first;
    }

    /** A connection that has {@linkplain #enter entered} gives its place back. */
    void leave(byte[] remote) {
        try {
            if (limitPerSource < Integer.MAX_VALUE) {
                openBySource.computeIfPresent(source(remote), (source, count) -> count == 1 ? null : count - 1);
            }
        } finally {
            giveBack();
        }
    }

    private static ByteBuffer source(byte[] remote) {
        return ByteBuffer.wrap(SockAddr.addressBytes(remote));
    }

    NetparkException refusal(byte[] remote) {
        return new NetparkException.LimitExceeded("accept " + AddressText.of(SockAddr.of(remote)) + ": the limit of "
                + this + " is reached; raise it, or find out why connections stay");
    }

    @Override
    public String toString() {
        String all = limit < Integer.MAX_VALUE ? limit + " connections" : "";
        String source = limitPerSource < Integer.MAX_VALUE ? limitPerSource + " connections from one address" : "";
        return all.isEmpty() || source.isEmpty() ? all + source : all + ", " + source;
    }
}
