package io.netpark.bench.server;

import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/** Measures how long a task from another thread takes until a loop that was asleep runs it. */
final class TaskClock {

    private static final long PAUSE = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int WARM_UP = 5_000;

    private final Executor loop;
    private final Histogram nanos = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
    private final Semaphore ran = new Semaphore(0);
    private volatile long handedOver;
    private boolean isWarm;

    TaskClock(Executor loop) {
        this.loop = loop;
    }

    /** Once more; the first time after a warm-up. */
    String measure(int count) throws InterruptedException {
        if (!isWarm) {
            hand(WARM_UP);
            isWarm = true;
        }
        nanos.reset();
        hand(count);
        return "p50=" + nanos.getValueAtPercentile(50) + " p99=" + nanos.getValueAtPercentile(99)
                + " p999=" + nanos.getValueAtPercentile(99.9);
    }

    private void hand(int count) throws InterruptedException {
        for (int i = 0; i < count; i++) {
            LockSupport.parkNanos(PAUSE); // the loop goes to sleep
            handedOver = System.nanoTime();
            loop.execute(this::run);
            if (!ran.tryAcquire(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("a task did not run for ten seconds");
            }
        }
    }

    private void run() {
        nanos.recordValue(System.nanoTime() - handedOver);
        ran.release();
    }
}
