package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * What one wait has found, on its way to the waiters: events are taken in to the last, then the waiters are run. Whatever is
 * thrown between, the next turn goes on from there, before it waits again: the kernel tells of an edge once, and a waiter that
 * has been taken out of its slot is known to nobody else. Loop's thread only.
 */
final class ReadyBatch {

    private final Poller poller;
    private final Reports reports;
    private final @Nullable Counters counters;
    final WokenBatch woken = new WokenBatch();
    /** How many events the last wait has found. */
    private int found;
    /** How many of them have been taken in. */
    private int takenIn;

    ReadyBatch(Poller poller, Reports reports) {
        this.poller = poller;
        this.reports = reports;
        this.counters = reports.counters;
    }

    /** Whether all that has been found has been taken in and run. */
    boolean isEmpty() {
        return takenIn == found && woken.size() == 0;
    }

    /** Waits as {@link Poller#await} does, when empty. Returns how many have been found. */
    int await(long timeoutNanos) throws NetparkException {
        takenIn = 0;
        found = 0;
        return found = poller.await(timeoutNanos);
    }

    /** Takes all events in, and runs the waiters that they wake. */
    void deliver(Turn turn) {
        while (takenIn < found) {
            if (!woken.makeRoom()) {
                runFound(turn);
            }
            int next = takenIn++;
            Pollable pollable = poller.pollable(next);
            if (pollable != null) {
                takeIn(pollable, poller.readiness(next));
            }
        }
        runFound(turn);
    }

    /** Takes an event in. If that fails, the rest of the batch is taken in nevertheless. */
    private void takeIn(Pollable pollable, int readiness) {
        try {
            woken.by(pollable);
            pollable.ready(readiness, woken);
        } catch (Throwable e) {
            reports.failure("Readiness was not taken in by", pollable, e);
        }
    }

    private void runFound(Turn turn) {
        if (counters == null) {
            runWoken(turn);
        } else if (woken.size() > 0) {
            runCounted(turn, counters);
        }
    }

    /** One look at the clock for each, as the end of one is the beginning of the next. */
    private void runCounted(Turn turn, Counters counters) {
        counters.runsBegin();
        for (@Nullable Runnable waiter; (waiter = woken.take()) != null; ) {
            turn.runGuarded(waiter);
            counters.ran();
        }
    }

    /** Runs the waiters that are woken. */
    void runWoken(Turn turn) {
        for (@Nullable Runnable waiter; (waiter = woken.take()) != null; ) {
            turn.runGuarded(waiter);
        }
    }
}
