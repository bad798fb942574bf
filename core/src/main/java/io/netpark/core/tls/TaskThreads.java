package io.netpark.core.tls;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads on which engines' long tasks run unless the user says otherwise: as many as processors, shared by all. They are
 * daemons, and end when there has been nothing to do for a while.
 */
final class TaskThreads extends ThreadPoolExecutor {

    private static final int IDLE_SECONDS = 10;

    /** Made when it is first needed. */
    static final Executor SHARED = new TaskThreads(Math.max(2, Runtime.getRuntime().availableProcessors()));

    private TaskThreads(int threads) {
        super(threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), new Daemons());
        allowCoreThreadTimeOut(true);
    }

    /** BlockHound is told of this by its name: a loop may have to wait for the lock of the queue here. */
    @Override
    public void execute(Runnable task) {
        super.execute(task);
    }

    private static final class Daemons implements ThreadFactory {

        private final AtomicInteger count = new AtomicInteger();

        @Override
        public Thread newThread(Runnable task) {
            Thread thread = new Thread(null, task, "netpark-tls-" + count.incrementAndGet(), 0, false);
            thread.setDaemon(true);
            thread.setContextClassLoader(TaskThreads.class.getClassLoader()); // not that of whoever came first
            return thread;
        }
    }
}
