package io.netpark.core.pool;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.streams.ByteInput;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * A connection of a pool. While it is idle it is the waiter of a watch on its own input: what the peer does then, other than
 * waiting, ends it.
 *
 * <pre>
 *   (dialed) --> NEW --somebody waits--> LENT --giveBack, the input is empty: watched--> IDLE --a borrow, something comes--> TAKEN
 *                 |                      ^ |                                          ^ ^                                |  |
 *                 +--nobody does---------|-|------------------------------------------+ +--it was nothing----------------+  |
 *                                        +-|-----------------------------------it is as it should be: watch ended-----------+
 *                 from any state ----------+--> GONE: is closed, then leaves
 * </pre>
 */
final class Member implements Waiter {

    /**
     * A new one stands for a dial that somebody waits for, until it is given to somebody. One that is taken is not among the idle
     * ones any more, and it is not decided yet what becomes of it: somebody looks at it, without the lock.
     */
    enum State { NEW, LENT, IDLE, TAKEN, GONE }

    final ConnectionDescriptor connection;
    final Destination destination;
    /** When it is too old, as an instant. */
    final long endNanos;
    /** Guarded by the pool's lock, as are the next three. */
    State state = State.NEW;
    /** Whether it was the borrower's when it was last anybody's. One that is gone counts as what it was, until it is closed. */
    boolean isLent;
    /** Whether it is taken because something has come while it was idle. */
    boolean isNoticed;
    /** Since when it is idle, as an instant. */
    long idleSince;
    private final Stock stock;

    Member(Stock stock, Destination destination, ConnectionDescriptor connection, long endNanos) {
        this.stock = stock;
        this.destination = destination;
        this.connection = connection;
        this.endNanos = endNanos;
    }

    /** At this instant. */
    boolean isOld(long instant) {
        return endNanos - instant <= 0;
    }

    /**
     * Begins to watch.
     *
     * @return null if there is nothing to read: the watch goes on, and has to be parked, or ended; otherwise why it is of no use
     */
    @Nullable Eviction watch() {
        try {
            return reason(connection.startWatch());
        } catch (NetparkException | IllegalStateException e) { // that is a read which the borrower has left behind
            return e instanceof NetparkException ? broken(e) : Eviction.DISCARDED;
        }
    }

    /** Looks once more; returns as {@link #watch} does. */
    @Nullable Eviction look() {
        try {
            return reason(connection.retryWatch());
        } catch (NetparkException e) {
            return broken(e);
        }
    }

    private Eviction broken(Exception e) {
        return e instanceof NetparkException.Closed && connection.loop().isShutdown() ? Eviction.POOL_CLOSED
                : e instanceof NetparkException.Closed ? Eviction.DISCARDED : Eviction.PEER_CLOSED;
    }

    private static @Nullable Eviction reason(int watched) {
        return switch (watched) {
            case Descriptor.PARK -> null;
            case ByteInput.END_OF_STREAM -> Eviction.PEER_CLOSED;
            default -> Eviction.UNASKED_BYTES;
        };
    }

    /** Parks the watch; false if there is something to look at. */
    boolean park() {
        return connection.park(Direction.READ, this);
    }

    /** Takes the waiter out, if it is still there. */
    void unpark() {
        connection.unpark(Direction.READ, this);
    }

    /** Ends the watch. */
    void endWatch() {
        connection.abandon(Direction.READ);
    }

    /** On the loop: something has come, or so it seems. */
    @Override
    public void run() {
        stock.noticed(this);
    }
}
