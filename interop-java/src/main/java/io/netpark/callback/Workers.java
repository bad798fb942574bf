package io.netpark.callback;

import io.netpark.callback.delivery.Crew;
import java.lang.reflect.InvocationTargetException;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Threads for callbacks that block or take long. Without workers every callback runs on the event loop of its connection, and must do
 * neither.
 *
 * <p>With workers the connect, request, half-close and writable callbacks of a connection run on workers. A connection has one call at
 * a time, calls come in order, and each sees what the one before has done. Prepare, disconnect and close callbacks still run on the
 * event loop; the close callbacks wait until the call that a worker is running has returned. Meanwhile the event loop goes on reading,
 * up to the connection's input limit.
 *
 * <p>A call finds no room when every thread is busy and the queue is full. The {@link RejectionHandler} then says what becomes of the
 * call. The default is to wait: the connection is not read until its call has begun, so its peer has to wait; calls begin in the
 * order in which they came; a call is given up when its connection ends.
 *
 * <p>A callback that waits for the callback of another connection needs a second thread. A pool may have none left: when as many
 * callbacks wait as there are threads, all of them wait for ever. With {@link Rejection#RUN_ON_LOOP} a callback may even wait on the
 * event loop that should wake it. There are four ways out:
 *
 * <ul>
 *   <li>separate workers for those that wait and for those that are waited for
 *   <li>a wait that ends: {@code future.get(5, SECONDS)}
 *   <li>no wait: {@code future.thenAccept}
 *   <li>{@link #virtualThreads}: there are as many threads as calls
 * </ul>
 *
 * <p>Memory is not waited for in such a way. When a {@link CallbackServer.Builder#segments pool of segments} is at its limit, a
 * connection is closed if its callback has a part of a message and {@linkplain CallbackConnection#awaitInput awaits} the rest.
 *
 * <p>Several servers and clients may share workers. {@link #close} ends the threads that were made here; close the servers
 * and clients first. Every method may be called by any thread.
 */
public final class Workers implements AutoCloseable {

    private static final AtomicInteger POOLS = new AtomicInteger();
    private static final long IDLE_SECONDS = 60;
    /** A queue that is limited to more than this is not meant to be full, and takes memory as it grows. */
    private static final int LONGEST_ARRAY = 100_000;
    private static final RejectionHandler WAIT = connection -> Rejection.WAIT;
    /** When an executor has no room, and does not tell when it has. On a thread of the JDK's, as any loop may end meanwhile. */
    private static final Executor SOON = CompletableFuture.delayedExecutor(10, TimeUnit.MILLISECONDS, Runnable::run);

    private final Crew crew;
    private final RejectionHandler rejection;

    private Workers(
            Executor executor, @Nullable ExecutorService owned, RejectionHandler rejection, String name, int places, Executor soon) {
        this.crew = new Crew(executor, owned, name, places, soon);
        this.rejection = Objects.requireNonNull(rejection, "rejection");
    }

    /** As {@link #pool(int, int, RejectionHandler)}; what does not fit waits. */
    public static Workers pool(int threads, int queueLimit) {
        return pool(threads, queueLimit, WAIT);
    }

    /**
     * A bounded pool of daemon threads. Threads start when they are needed, and end after a minute without work.
     *
     * @param threads at most; at least 1
     * @param queueLimit how many calls may wait for a thread; 0 for none
     * @param rejection asked when all threads are busy and the queue is full
     */
    public static Workers pool(int threads, int queueLimit, RejectionHandler rejection) {
        if (threads < 1) {
            throw new IllegalArgumentException("a pool needs at least one thread, not " + threads);
        }
        if (queueLimit < 0) {
            throw new IllegalArgumentException("a queue cannot be limited to " + queueLimit + "; 0 is for none");
        }
        String prefix = "netpark-workers-" + POOLS.incrementAndGet();
        int places = (int) Math.min(Crew.AS_IT_SAYS - 1, (long) threads + queueLimit);
        // The room counts. A thread that has finished a call is still to come for the next, so the queue may be longer for a moment.
        BlockingQueue<Runnable> queue =
                places <= LONGEST_ARRAY ? new ArrayBlockingQueue<>(places) : new LinkedBlockingQueue<>(places);
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, queue, named(prefix));
        pool.allowCoreThreadTimeOut(true);
        return new Workers(pool, pool, rejection, prefix + " (" + threads + " threads, queue of " + queueLimit + ")",
                places, SOON);
    }

    private static ThreadFactory named(String prefix) {
        AtomicInteger threads = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + "-" + threads.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /**
     * A virtual thread for each call. Callbacks may block as they like, and wait for the rest of a message by
     * {@link CallbackConnection#awaitInput}. (On a pool they may wait, too, unless its policy is to run on the loop.)
     *
     * @throws UnsupportedOperationException before JDK 21
     */
    public static Workers virtualThreads() {
        ExecutorService threads;
        try {
            // By reflection: this library is compiled for JDK 17.
            threads = (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            throw new UnsupportedOperationException("virtual threads need JDK 21 or newer, this is JDK "
                    + Runtime.version().feature() + "; use Workers.pool", e);
        }
        return new Workers(threads, threads, connection -> Rejection.CLOSE, "virtual threads",
                Crew.AS_IT_SAYS, SOON);
    }

    /** As {@link #on(Executor, RejectionHandler)}; what it rejects waits, and is tried again until it is taken. */
    public static Workers on(Executor executor) {
        return on(executor, WAIT);
    }

    /**
     * Any executor; it stays the caller's. What it takes it must run, sooner or later: closing a connection, a server or a
     * client waits for that. One that drops a call without saying so (a pool whose policy is to discard, say) leaves the
     * connection without callbacks and its server's {@code close} waiting for ever; have it throw, as pools do unless told
     * otherwise. One that is an {@link ExecutorService} and has been ended by {@code shutdownNow}, with the calls that were in its
     * queue, is found out: they are reported, and nobody waits for them.
     *
     * @param executor may run a call on the calling thread, the event loop
     * @param rejection asked when it throws {@link RejectedExecutionException}, or has no memory for a thread. If it throws anything
     *     else, the connection is closed, and that is told as a {@linkplain Callbacks.Builder#onFailure failure}
     */
    public static Workers on(Executor executor, RejectionHandler rejection) {
        return on(executor, rejection, SOON);
    }

    /** @param soon runs a task after a short time */
    static Workers on(Executor executor, RejectionHandler rejection, Executor soon) {
        return new Workers(Objects.requireNonNull(executor, "executor"), null, rejection, executor.toString(),
                Crew.AS_IT_SAYS, soon);
    }

    Crew crew() {
        return crew;
    }

    Rejection rejected(CallbackConnection connection) {
        return rejection.rejected(connection);
    }

    /**
     * Lets calls that wait or run come to their end, and ends the threads; does not wait for that. Later calls are rejected.
     * Has no effect on an executor that was given.
     */
    @Override
    public void close() {
        crew.close();
    }

    @Override
    public String toString() {
        return crew.toString();
    }
}
