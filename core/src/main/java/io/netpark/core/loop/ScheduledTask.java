package io.netpark.core.loop;

import io.netpark.core.sys.Due;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.TimeUnit;

/** What {@link EventLoop#schedule} and its siblings return: a future on a {@link Timer}. */
final class ScheduledTask<V> extends FutureTask<V> implements RunnableScheduledFuture<V> {

    private final Timer timer;
    /** 0: once. Positive: nanoseconds from start to start. Negative: from end to start. */
    private final long periodNanos;
    private volatile long dueNanos;

    ScheduledTask(EventLoop loop, Callable<V> callable, long dueNanos, long periodNanos) {
        super(callable);
        this.periodNanos = periodNanos;
        this.dueNanos = dueNanos;
        this.timer = loop.newTimer(this, () -> cancel(false));
    }

    boolean start() {
        return timer.arm(dueNanos);
    }

    @Override
    public void run() {
        if (periodNanos == 0) {
            super.run();
        } else if (runAndReset()) { // ends with the first exception, as ScheduledExecutorService says
            dueNanos = periodNanos > 0 ? Due.after(dueNanos, periodNanos) : Due.in(-periodNanos);
            timer.arm(dueNanos);
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(false); // never interrupts: the thread is the loop's
        if (cancelled) {
            timer.disarm();
        }
        return cancelled;
    }

    @Override
    public boolean isPeriodic() {
        return periodNanos != 0;
    }

    @Override
    public long getDelay(TimeUnit unit) {
        return unit.convert(dueNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
        return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }
}
