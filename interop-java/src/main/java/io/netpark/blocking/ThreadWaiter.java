package io.netpark.blocking;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import java.io.InterruptedIOException;
import java.util.concurrent.locks.LockSupport;

/** A thread, parked on a descriptor. */
final class ThreadWaiter implements Waiter {

    private final Thread thread = Thread.currentThread();
    private volatile boolean woken;

    private ThreadWaiter() {}

    /** An event loop that waits would wait for itself. */
    static void requireNoLoop(Descriptor descriptor) {
        if (EventLoop.current() != null) {
            throw new IllegalStateException(
                    "an event loop must not wait for " + descriptor + "; use another thread, or callbacks");
        }
    }

    /**
     * Blocks the thread until there is reason to retry the operation, which has returned {@link Descriptor#PARK}.
     *
     * @throws InterruptedIOException if the thread is interrupted, and stays so; the operation has been abandoned
     */
    static void await(Descriptor descriptor, Direction direction) throws InterruptedIOException {
        ThreadWaiter waiter = new ThreadWaiter();
        if (!descriptor.park(direction, waiter)) {
            return;
        }
        while (!waiter.woken) {
            LockSupport.park(descriptor);
            if (Thread.currentThread().isInterrupted() && descriptor.unpark(direction, waiter)) {
                descriptor.abandon(direction);
                throw new InterruptedIOException("interrupted while it waited for " + descriptor);
            }
        }
    }

    @Override
    public void run() {
        woken = true;
        LockSupport.unpark(thread);
    }
}
