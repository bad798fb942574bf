package io.netpark.simulation.schedule;

import io.netpark.core.sys.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Time that stands still until it is moved, and chance from a seed. A thread that waits by it wakes when the time has been moved far
 * enough. Any thread may use it.
 */
public final class VirtualClock extends Clock {

    /** Neither 0 nor far from where values wrap around: who compares instants wrongly is to find out. */
    private static final long START = Long.MAX_VALUE - Duration.ofMinutes(1).toNanos();

    private final Random random;
    /** The threads that wait, and until when. With the monitor of this. */
    private final Map<Thread, Long> parked = new HashMap<>();
    /** What is told of every move. With the monitor of this. */
    private final List<Runnable> listeners = new ArrayList<>();
    private volatile long now = START;

    /** @param seed what is drawn follows from it, and from the order in which it is drawn */
    public VirtualClock(long seed) {
        this.random = new Random(seed);
    }

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public long draw(long bound) {
        return Math.floorMod(random.nextLong(), bound);
    }

    @Override
    public void park(Object blocker, long nanos) {
        Thread thread = Thread.currentThread();
        synchronized (this) {
            if (nanos <= 0) {
                return;
            }
            parked.put(thread, now + nanos);
        }
        LockSupport.park(blocker);
        synchronized (this) {
            parked.remove(thread);
        }
    }

    /**
     * Moves the time on, and wakes the threads whose time is over.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public void advance(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("time does not go back, as by " + time);
        }
        List<Runnable> told;
        synchronized (this) {
            now += time.toNanos();
            parked.forEach((thread, end) -> {
                if (end - now <= 0) {
                    LockSupport.unpark(thread);
                }
            });
            told = List.copyOf(listeners);
        }
        told.forEach(Runnable::run);
    }

    /** Has {@code listener} run after every move, by the thread that moves. */
    synchronized void onMove(Runnable listener) {
        listeners.add(listener);
    }

    @Override
    public String toString() {
        return "a virtual clock";
    }
}
