package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.TimeUnit;

/** What {@link EventLoop#schedule} and its siblings return: a future on a {@link Timer}. */
final class ScheduledTask<V> extends LoopFuture<V> implements RunnableScheduledFuture<V> {

    /** How many runs that have been missed are made up for. */
    private static final int MOST_MISSED = 8;

    private final Clock clock;
    private final Timer timer;
    /** 0: once. Positive: nanoseconds from start to start. Negative: from end to start. */
    private final long periodNanos;
    private volatile long dueNanos;

    ScheduledTask(EventLoop loop, Callable<V> callable, long dueNanos, long periodNanos) {
        super(loop, callable);
        this.clock = loop.clock();
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
            dueNanos = periodNanos > 0 ? next() : clock.after(-periodNanos);
            timer.arm(dueNanos);
        }
    }

    /** Of a fixed rate: what has been missed beyond {@link #MOST_MISSED} is left out, and the rest stays in step. */
    private long next() {
        long next = Due.after(dueNanos, periodNanos);
        long missed = (clock.nanoTime() - next) / periodNanos;
        return missed > MOST_MISSED ? next + (missed - MOST_MISSED) * periodNanos : next;
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
        return unit.convert(dueNanos - clock.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
        return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
    }
}
