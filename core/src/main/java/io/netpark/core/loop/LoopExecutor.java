package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** An event loop as the executor interfaces of the JDK have it. */
abstract sealed class LoopExecutor extends AbstractExecutorService implements ScheduledExecutorService permits EventLoop {

    /** The time of this loop, and its chance. */
    public abstract Clock clock();

    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
        return start(Executors.callable(task), delay, unit, 0);
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> task, long delay, TimeUnit unit) {
        return start(task, delay, unit, 0);
    }

    @Override
    protected <T> RunnableFuture<T> newTaskFor(Runnable task, T value) {
        return newTaskFor(Executors.callable(task, value));
    }

    @Override
    protected <T> RunnableFuture<T> newTaskFor(Callable<T> task) {
        return new LoopFuture<>((EventLoop) this, task);
    }

    /**
     * {@inheritDoc}
     *
     * <p>When the loop has been held, or there is more to do than it can, runs are missed. At most 8 of these are made up for,
     * one after another and with everything else between; what was missed before is left out.
     */
    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long initialDelay, long period, TimeUnit unit) {
        return start(Executors.callable(task), initialDelay, unit, positive(unit.toNanos(period)));
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long initialDelay, long delay, TimeUnit unit) {
        return start(Executors.callable(task), initialDelay, unit, -positive(unit.toNanos(delay)));
    }

    private <V> ScheduledFuture<V> start(Callable<V> task, long delay, TimeUnit unit, long periodNanos) {
        long due = clock().after(unit.toNanos(Math.max(delay, 0)));
        ScheduledTask<V> scheduled = new ScheduledTask<>((EventLoop) this, task, due, periodNanos);
        if (!scheduled.start()) {
            throw new RejectedExecutionException(this + " is closed");
        }
        return scheduled;
    }

    private static long positive(long nanos) {
        if (nanos <= 0) {
            throw new IllegalArgumentException("a period must be positive");
        }
        return Math.min(nanos, Due.FOREVER);
    }

    /** As {@link #shutdown}: tasks already queued run nevertheless. */
    @Override
    public List<Runnable> shutdownNow() {
        shutdown();
        return List.of();
    }
}
