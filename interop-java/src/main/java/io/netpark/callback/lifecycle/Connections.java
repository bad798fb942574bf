package io.netpark.callback.lifecycle;

import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.serving.rules.Changes;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The connections of a server or a client, from when they are opened until their close callbacks have run. */
public final class Connections {

    private final Set<Lifecycle> open = ConcurrentHashMap.newKeySet();
    /** Of those who asked for the end of a connection. */
    private final ConcurrentHashMap<Lifecycle, PlacedFuture<Void>> ends = new ConcurrentHashMap<>();
    private final AtomicInteger endedIdle = new AtomicInteger();
    /** Of {@link #open}, when the last has been removed. */
    private final Changes changes;
    private volatile boolean draining;
    private volatile boolean closingIdle;

    /** @param clock for how long is waited */
    public Connections(Clock clock) {
        this.changes = new Changes(clock);
    }

    public int size() {
        return open.size();
    }

    public boolean isEmpty() {
        return open.isEmpty();
    }

    /** Is told when there are none any more. */
    public Changes changes() {
        return changes;
    }

    /** Without those whose last callbacks are still to run. */
    public int countOpen() {
        return (int) open.stream().filter(Lifecycle::isOpen).count();
    }

    public void add(Lifecycle connection) {
        open.add(connection);
    }

    public void remove(Lifecycle connection) {
        open.remove(connection);
        PlacedFuture<Void> end = ends.remove(connection);
        if (end != null) {
            end.tell((Void) null);
        }
        if (changes.isAwaited() && open.isEmpty()) {
            changes.changed();
        }
    }

    /** Completes when the connection has been removed, perhaps long ago. */
    public CompletableFuture<Void> whenRemoved(Lifecycle connection) {
        PlacedFuture<Void> end = ends.computeIfAbsent(connection, any -> any.limits().newFuture(any.loop()));
        if (!open.contains(connection)) { // after adding it: either this sees it, or remove() does
            ends.remove(connection);
            end.tell((Void) null);
        }
        return end.copy(); // one for each: cancelling it is nobody else's business
    }

    // Shutting down

    /** Whether the server is shutting down. */
    public boolean isDraining() {
        return draining;
    }

    public void drain() {
        draining = true;
    }

    /** Whether connections are to be closed that are idle. */
    boolean isClosingIdle() {
        return closingIdle;
    }

    /** From now on. */
    public void closeIdle() {
        closingIdle = true;
        for (Lifecycle connection : open) {
            connection.loop().tryExecute(connection::endIfIdle);
        }
    }

    /** With what is written by now; nothing is read any more. */
    public void closeAllLingering(long nanos) {
        open.forEach(connection -> connection.output().closeLingering(nanos));
    }

    void endedIdle() {
        endedIdle.incrementAndGet();
    }

    public int countOfIdle() {
        return endedIdle.get();
    }

    /** Whether waiting for them would be waiting for the calling thread: it is an event loop, or runs a callback of one of them. */
    public boolean isWaitedForByCaller() {
        return EventLoop.current() != null || Delivery.isInCallOf(this);
    }

    /** The loops have ended; waits until the workers have, too, unless that would be waiting for the caller. */
    public void awaitWorkers() {
        if (isWaitedForByCaller()) {
            return;
        }
        boolean interrupted = false;
        while (open.stream().anyMatch(Lifecycle::mayEnd)) {
            open.forEach(connection -> connection.delivery().giveUpLost());
            try {
                changes.await(TimeUnit.SECONDS.toNanos(1), open::isEmpty);
            } catch (InterruptedException e) {
                interrupted = true; // as for the loops
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Closes those there are now, and returns how many were still open. */
    public int closeAll(String because) {
        int closed = 0;
        for (Lifecycle connection : open) {
            if (connection.cutOff(new NetparkException.Closed(connection + ": closed here, " + because))) {
                closed++;
            }
        }
        return closed;
    }
}
