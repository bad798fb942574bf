package io.netpark.core.loop;

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
    final WokenBatch woken = new WokenBatch();
    private int found;
    /** Of those found. */
    private int takenIn;

    ReadyBatch(Poller poller) {
        this.poller = poller;
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

    /** Tells those who are ready, and runs who has waited. */
    void deliver(EventLoop loop) {
        while (takenIn < found) {
            if (!woken.makeRoom()) {
                runWoken(loop);
            }
            int next = takenIn++;
            Pollable pollable = poller.pollable(next);
            if (pollable != null) {
                takeIn(loop, pollable, poller.readiness(next));
            }
        }
        runWoken(loop);
    }

    /** What fails for one must not keep the rest of the batch from being taken in. */
    private void takeIn(EventLoop loop, Pollable pollable, int readiness) {
        try {
            pollable.ready(readiness, woken);
        } catch (Throwable e) {
            loop.reportFailure("Readiness was not taken in by", pollable, e);
        }
    }

    void runWoken(EventLoop loop) {
        for (@Nullable Runnable waiter; (waiter = woken.take()) != null; ) {
            loop.runGuarded(waiter);
        }
    }
}
