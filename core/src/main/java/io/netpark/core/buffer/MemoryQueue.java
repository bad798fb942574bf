package io.netpark.core.buffer;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Tasks that wait until a pool has memory again, the first first. Any thread. */
final class MemoryQueue {

    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    /** How often {@link #passOn} has been called and has told nobody yet. */
    private final AtomicInteger passes = new AtomicInteger();
    private final Consumer<Throwable> failed;

    /** @param failed gets what the tasks throw */
    MemoryQueue(Consumer<Throwable> failed) {
        this.failed = failed;
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    void add(Runnable task) {
        waiting.add(task);
    }

    /** False if the task has been run, or is about to be. */
    boolean remove(Runnable task) {
        return waiting.remove(task);
    }

    /** There is memory: runs the task that has waited longest. */
    void passOn() {
        if (passes.getAndIncrement() > 0) {
            return; // the caller that is at it does this one as well: what is told may take, and give back, and would nest
        }
        do {
            Runnable task = waiting.poll();
            if (task != null) {
                run(task);
            }
        } while (passes.decrementAndGet() > 0);
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            failed.accept(e);
        }
    }
}
