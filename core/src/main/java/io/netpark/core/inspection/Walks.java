package io.netpark.core.inspection;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * The walks that wait for one loop. They have one task of it among them, so that a loop that is held does not gather tasks by being
 * looked at. Any thread.
 */
public final class Walks implements Runnable {

    private final Predicate<? super Runnable> tasks;
    private final Queue<Walk<?>> waiting = new ConcurrentLinkedQueue<>();
    /** Whether the loop has the task. Set before the task is given to it, and taken back before one who waits is looked for. */
    private final AtomicBoolean queued = new AtomicBoolean();

    /** @param tasks takes a task of the loop; false if the loop is closed */
    public Walks(Predicate<? super Runnable> tasks) {
        this.tasks = tasks;
    }

    /** Has the loop run a slice of the walk, or tells the walk that it is refused. */
    void add(Walk<?> walk) {
        waiting.add(walk);
        ask();
    }

    /** Whoever has asked for the walk does not want it any more. */
    void remove(Walk<?> walk) {
        waiting.remove(walk);
    }

    /** A slice of one walk; the others have their turns after what else the loop has to do. */
    @Override
    public void run() {
        queued.set(false);
        Walk<?> walk = waiting.poll();
        try {
            if (walk != null) {
                walk.run();
            }
        } finally {
            if (!waiting.isEmpty()) {
                ask();
            }
        }
    }

    private void ask() {
        if (!queued.compareAndSet(false, true)) {
            return;
        }
        boolean taken = false;
        try {
            taken = tasks.test(this);
        } finally {
            if (!taken) { // by a loop that is closed; or there is no memory for a task, and the next walk tries again
                queued.set(false);
            }
        }
        if (!taken) {
            for (Walk<?> walk = waiting.poll(); walk != null; walk = waiting.poll()) {
                walk.refused();
            }
        }
    }
}
