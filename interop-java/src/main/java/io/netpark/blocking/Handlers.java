package io.netpark.blocking;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Clock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** The handlers of a {@link BlockingListener}: which have not ended, and what became of them in its shutdown. */
final class Handlers {

    /** Those that have not ended and have not been cut off. */
    private final Set<Handling> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger idle = new AtomicInteger();
    private final AtomicInteger finished = new AtomicInteger();

    private volatile boolean draining;
    private volatile boolean counting;
    private volatile boolean endsIdle;

    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Those whose threads have not left them, whether or not they were cut off. Guarded by the lock, as are the next. */
    private int running;
    /** There is no more time. */
    private boolean hurried;
    /** Nobody comes in any more. */
    private boolean over;

    Handlers(Clock clock) {
        this.clock = clock;
    }

    /** Returns false if it is too late. */
    boolean add(Handling handling) {
        open.add(handling); // first, as there may be no memory for it
        lock.lock();
        try {
            if (over) {
                open.remove(handling);
                return false;
            }
            running++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    void ended(Handling handling) {
        if (open.remove(handling) && counting) {
            (handling.wasIdle() ? idle : finished).incrementAndGet();
        }
        lock.lock();
        try {
            running--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether waiting for them would be waiting for the caller. */
    boolean isRunByCaller() {
        Thread caller = Thread.currentThread();
        return open.stream().anyMatch(handling -> handling.isRunBy(caller));
    }

    // The end

    boolean isDraining() {
        return draining;
    }

    void drain() {
        draining = true;
    }

    boolean isCounting() {
        return counting;
    }

    /** Accepting has stopped: those that are open now will be in the report. */
    void beginCounting() {
        counting = true;
        open.forEach(Handling::lookWhetherBusy);
    }

    boolean endsIdle() {
        return endsIdle;
    }

    /** Those that wait for a request are told that none is wanted. */
    void endIdle() {
        endsIdle = true;
        open.forEach(Handling::tellIdle);
    }

    /** Closes the connections of those that have not ended, and says how many they were. Nobody comes in from now on. */
    int cut() {
        lock.lock();
        try {
            over = true;
        } finally {
            lock.unlock();
        }
        List<Handling> rest = open.stream().filter(open::remove).toList();
        rest.forEach(Handling::cutOff);
        return rest.size();
    }

    /** All waiting but that for those that were cut off is over. */
    void hurry() {
        lock.lock();
        try {
            hurried = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for so long, whatever happens to them. */
    void pause(long nanos) throws InterruptedException {
        await(nanos, () -> hurried);
    }

    /** Waits until they have all ended, for so long at most. */
    void awaitNone(long nanos) throws InterruptedException {
        await(nanos, () -> hurried || running == 0);
    }

    /** Waits until the threads of all have left them, for so long at most; also of those that were cut off. Returns false if they have not. */
    boolean awaitLeft(long nanos) throws InterruptedException {
        return await(nanos, () -> running == 0);
    }

    private boolean await(long nanos, BooleanSupplier condition) throws InterruptedException {
        long end = clock.after(nanos);
        lock.lockInterruptibly();
        try {
            while (!condition.getAsBoolean()) {
                long left = end - clock.nanoTime();
                if (left <= 0) {
                    return false;
                }
                changed.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Those whose executor has ended without running them. */
    void refuseThoseNotBegun(Throwable why) {
        open.forEach(handling -> handling.refuse(why));
    }

    Shutdown.Report report(int cut) {
        return new Shutdown.Report(idle.get(), finished.get(), 0, cut);
    }
}
