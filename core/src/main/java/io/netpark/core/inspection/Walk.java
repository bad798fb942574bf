package io.netpark.core.inspection;

import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Clock;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A look at everything that one loop watches, on that loop. It takes a slice and then waits for its turn again, so that the loop serves
 * others in between, however much there is. Whoever asks waits on another thread, and not for ever.
 *
 * <pre>
 *   asked --start--> going on --the last slice, or the loop is closed--> complete
 *                       |  +----a look throws--> over
 *                       +--awaited for too long--> given up: it ends with the slice that is next
 * </pre>
 *
 * @param <T> what a look finds
 */
public final class Walk<T> {

    /** How many looks that find something make a slice; such a look may cost a system call. */
    static final int FINDS_A_SLICE = 64;
    /** How many places make a slice in which nothing is found. */
    static final int PLACES_A_SLICE = 4096;

    private static final int COST_OF_A_FIND = PLACES_A_SLICE / FINDS_A_SLICE;

    private final Poller poller;
    private final Walks walks;
    private final Function<? super Pollable, ? extends @Nullable T> look;
    private final Clock clock;
    private final Queue<T> found = new ConcurrentLinkedQueue<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private long asked;
    /** How long the first slice had to wait; negative before it. */
    private volatile long waited = -1;
    private volatile boolean complete;
    private volatile boolean refused;
    private volatile boolean givenUp;
    /** The loop's own: where the next slice begins. */
    private int place;

    /**
     * @param poller the loop's
     * @param walks those of the loop
     * @param look called on the loop; null if there is nothing to be found there
     */
    public Walk(Poller poller, Walks walks, Function<? super Pollable, ? extends @Nullable T> look, Clock clock) {
        this.poller = poller;
        this.walks = walks;
        this.look = look;
        this.clock = clock;
    }

    /** Sets out. A loop that is closed watches nothing, so its walk is complete, and never begins. Returns this. */
    public Walk<T> start() {
        asked = clock.nanoTime();
        walks.add(this);
        return this;
    }

    /** The loop is closed, and has closed what it watched. */
    void refused() {
        refused = true;
        complete = true;
        ended.countDown();
    }

    /** On the loop. */
    void run() {
        boolean goesOn = false;
        try {
            if (waited < 0) {
                waited = Math.max(0, clock.nanoTime() - asked);
            }
            if (!givenUp) {
                complete = slice();
                if (!complete) {
                    walks.add(this);
                    goesOn = true;
                }
            }
        } finally { // what a look throws is the loop's to report
            if (!goesOn) {
                ended.countDown();
            }
        }
    }

    /** Returns whether it was the last. */
    private boolean slice() {
        int left = PLACES_A_SLICE;
        for (; place < poller.bound(); place++) {
            if (left <= 0) {
                return false;
            }
            Pollable pollable = poller.at(place);
            T find = pollable == null ? null : look.apply(pollable);
            if (find != null) {
                found.add(find);
            }
            left -= find == null ? 1 : COST_OF_A_FIND;
        }
        return true;
    }

    /**
     * Waits for the end, which is no longer wanted when the time is over. An interrupt does not end the wait: a loop would be taken for one
     * that does not answer. The thread stays interrupted.
     *
     * @param until an instant of the clock
     * @return whether all has been looked at
     */
    public boolean await(long until) {
        boolean interrupted = false;
        while (true) {
            long left = Math.max(0, until - clock.nanoTime());
            try {
                if (!clock.awaits(left, () -> ended.getCount() == 0)) {
                    ended.await(left, TimeUnit.NANOSECONDS);
                }
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        givenUp = true;
        walks.remove(this);
        return complete;
    }

    /** Whether the loop did not take it, because it is closed. */
    public boolean isRefused() {
        return refused;
    }

    /** How long, in nanoseconds, the loop took until it ran the task; -1 if it has not. */
    public long waitedNanos() {
        return waited;
    }

    /** What was found up to now. */
    public List<T> found() {
        return List.copyOf(found);
    }
}
