package io.netpark.core.tls;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads on which engines' long tasks run unless the user says otherwise: as many as processors, shared by all. They are
 * daemons, and end when there has been nothing to do for a while.
 */
final class TaskThreads {

    private static final int IDLE_SECONDS = 10;

    /** Made when it is first needed. */
    static final Executor SHARED = make();

    private TaskThreads() {}

    private static Executor make() {
        AtomicInteger count = new AtomicInteger();
        int threads = Math.max(2, Runtime.getRuntime().availableProcessors());
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(null, task, "netpark-tls-" + count.incrementAndGet(), 0, false);
                    thread.setDaemon(true);
                    thread.setContextClassLoader(TaskThreads.class.getClassLoader()); // not that of whoever came first
                    return thread;
                });
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }
}
