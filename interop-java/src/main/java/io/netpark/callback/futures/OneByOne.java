package io.netpark.callback.futures;

import io.netpark.core.loop.EventLoop;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Runs one after another what would else be run one inside another, as deep as there are connections or futures: tasks of an event
 * loop that has ended, and what an executor runs on the calling thread.
 */
public final class OneByOne {

    /** Those that wait until the one that the thread is running has returned; null if it is running none. */
    private static final ThreadLocal<@Nullable ArrayDeque<Runnable>> WAITING = new ThreadLocal<>();

    private OneByOne() {}

    /** As a task of the loop; or, if that has ended, here: now, or when what is being run here has returned. */
    public static void onLoop(EventLoop loop, Runnable task) {
        if (!loop.tryWake(task)) { // nobody else knows of it
            run(task);
        }
    }

    /** Here: now, or when what is being run here has returned. */
    public static void run(Runnable task) {
        ArrayDeque<Runnable> waiting = WAITING.get();
        if (waiting != null) {
            waiting.add(task);
            return;
        }
        waiting = new ArrayDeque<>(1);
        WAITING.set(waiting);
        Throwable first = null;
        try {
            for (Runnable next = task; next != null; next = waiting.poll()) {
                try {
                    next.run();
                } catch (Throwable e) {
                    first = first == null ? e : first;
                } finally {
                    EventLoop.leaveUserCode();
                }
            }
        } finally {
            WAITING.remove();
        }
        if (first instanceof RuntimeException e) {
            throw e;
        } else if (first instanceof Error e) {
            throw e;
        }
    }
}
