package io.netpark.core.loop;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a loop's executor methods return. To wait for it on the loop that has to run it is refused: it would wait for itself. */
class LoopFuture<V> extends FutureTask<V> {

    private final EventLoop loop;

    LoopFuture(EventLoop loop, Callable<V> task) {
        super(task);
        this.loop = loop;
    }

    /** @throws IllegalStateException on the loop's own thread, if it is not done */
    @Override
    public V get() throws InterruptedException, ExecutionException {
        requireNoDeadlock();
        return super.get();
    }

    /** @throws IllegalStateException on the loop's own thread, if it is not done */
    @Override
    public V get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        requireNoDeadlock();
        return super.get(timeout, unit);
    }

    private void requireNoDeadlock() {
        if (!isDone()) {
            loop.requireElsewhere("wait for a task");
        }
    }
}
