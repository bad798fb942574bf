package io.netpark.core.net.serving.rules;

import io.netpark.core.sys.Clock;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** Where threads wait until something has changed. While nobody waits, a change costs a volatile read. */
public final class Changes {

    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** How many threads wait, or are about to look. Written under the lock. */
    private volatile int waiting;

    public Changes(Clock clock) {
        this.clock = clock;
    }

    /** Whether anybody waits: if not, nobody needs to be told. */
    public boolean isAwaited() {
        return waiting > 0;
    }

    /** To be called when something has changed, and not before: those that wait look again. */
    public void changed() {
        if (!isAwaited()) {
            return;
        }
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until a condition holds, for so long at most.
     *
     * @return whether it holds
     * @throws InterruptedException if the thread is interrupted, or was before
     */
    public boolean await(long nanos, BooleanSupplier condition) throws InterruptedException {
        if (clock.awaits(nanos, condition)) {
            return condition.getAsBoolean();
        }
        long end = clock.after(nanos);
        lock.lockInterruptibly();
        waiting++; // before the first look, as others change something before they look here
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
            waiting--;
            lock.unlock();
        }
    }
}
