package io.netpark.callback.futures;

import io.netpark.core.loop.EventLoop;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Where futures are completed, and what is chained to them runs: on the executor that was given for it, or on an event loop. From any
 * thread.
 */
public final class Place implements Executor {

    private final @Nullable Executor executor;
    /** Of the connection; until there is one, any that could be its. */
    private volatile EventLoop loop;

    /** @param executor null for the loop */
    public Place(@Nullable Executor executor, EventLoop loop) {
        this.executor = executor;
        this.loop = loop;
    }

    /** The connection has been made. */
    public void settle(EventLoop loop) {
        this.loop = loop;
    }

    /** Runs what is chained to a future that is complete already: later, never inside this call unless the executor wants it so. */
    @Override
    public void execute(Runnable dependent) {
        if (executor == null) {
            OneByOne.onLoop(loop, dependent);
        } else {
            passOn(executor, dependent, true);
        }
    }

    /** Completes a future; here if there is no executor, so the caller is the loop, or stands in for it. */
    public void complete(Runnable completion) {
        if (executor == null) {
            completion.run();
            EventLoop.leaveUserCode();
        } else {
            passOn(executor, completion, false);
        }
    }

    /** A future that never completes would be worse than one that completes elsewhere. */
    private void passOn(Executor executor, Runnable action, boolean later) {
        Once once = null;
        Throwable trouble;
        try {
            once = new Once(action);
            executor.execute(once);
            return;
        } catch (Throwable e) { // no memory for a thread, say
            trouble = e;
        }
        if (once == null || once.revoke()) {
            if (later) {
                OneByOne.onLoop(loop, action);
            } else {
                action.run();
            }
        }
        if (!(trouble instanceof RejectedExecutionException)) {
            loop.report("The executor that completes futures threw, instead of rejecting: " + executor, trouble);
        }
    }

    /** Not run a second time by the loop if the executor has run it here, and thrown then. */
    private static final class Once implements Runnable {
        private final Runnable action;
        private final AtomicBoolean taken = new AtomicBoolean();

        Once(Runnable action) {
            this.action = action;
        }

        /** Returns whether it has not been run, and will not be. */
        boolean revoke() {
            return taken.compareAndSet(false, true);
        }

        @Override
        public void run() {
            if (taken.compareAndSet(false, true)) {
                OneByOne.run(action);
            }
        }
    }
}
