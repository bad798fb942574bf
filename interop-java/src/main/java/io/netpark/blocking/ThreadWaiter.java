package io.netpark.blocking;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where threads park on one direction of a descriptor, one at a time: whoever has an operation that returned
 * {@link Descriptor#PARK}. It is made with the descriptor's owner, so that waiting needs no memory.
 */
final class ThreadWaiter implements Waiter, BooleanSupplier {

    private final Descriptor descriptor;
    private final Direction direction;
    private volatile @Nullable Thread thread;
    private volatile boolean woken;

    ThreadWaiter(Descriptor descriptor, Direction direction) {
        this.descriptor = descriptor;
        this.direction = direction;
    }

    /** An event loop that waits would wait for itself. */
    static void requireNoLoop(Object what) {
        if (EventLoop.current() != null) {
            throw new IllegalStateException("an event loop must not wait for " + what + "; use another thread, or callbacks");
        }
    }

    /**
     * Blocks the thread until there is reason to retry the operation.
     *
     * @throws InterruptedIOException if the thread is interrupted, and stays so; the operation has been abandoned
     */
    void await() throws InterruptedIOException {
        begin();
        try {
            if (descriptor.park(direction, this)) {
                while (!woken) {
                    if (!awaitsTurn(Due.FOREVER)) {
                        LockSupport.park(descriptor);
                        giveUpIfInterrupted();
                    }
                }
            }
        } finally {
            thread = null; // it may end, and the connection go on
        }
    }

    /**
     * As {@link #await()}, until an instant of the loop's clock.
     *
     * @return false if the time is over; the operation is neither parked nor abandoned
     */
    boolean awaitUntil(long instant) throws InterruptedIOException {
        Clock clock = descriptor.loop().clock();
        begin();
        try {
            if (descriptor.park(direction, this)) {
                while (!woken) {
                    long left = instant - clock.nanoTime();
                    if (left <= 0 && descriptor.unpark(direction, this)) {
                        return false;
                    }
                    if (!awaitsTurn(left)) {
                        clock.park(descriptor, left);
                        giveUpIfInterrupted();
                    }
                }
            }
            return true;
        } finally {
            thread = null;
        }
    }

    /** Waits as a clock has it that says which thread runs when. False with every other one. */
    private boolean awaitsTurn(long nanos) throws InterruptedIOException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return descriptor.loop().clock().awaits(nanos, this);
                } catch (InterruptedException e) {
                    interrupted = true; // if it cannot give up, it is about to be woken, and waits for that
                    giveUp();
                }
            }
        } catch (RuntimeException e) { // there is nothing that could wake it
            if (descriptor.unpark(direction, this)) {
                descriptor.abandon(direction);
            }
            throw e;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void begin() {
        woken = false;
        thread = Thread.currentThread();
    }

    private void giveUpIfInterrupted() throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            giveUp();
        }
    }

    private void giveUp() throws InterruptedIOException {
        if (descriptor.unpark(direction, this)) {
            descriptor.abandon(direction);
            throw new InterruptedIOException("interrupted while it waited for " + descriptor);
        }
    }

    /** Whether there is reason to retry. */
    @Override
    public boolean getAsBoolean() {
        return woken;
    }

    @Override
    public String who() {
        Thread parked = thread;
        return parked == null ? "thread" : "thread " + parked.getName();
    }

    /** Where the thread is when it is asked, which has been woken by then, perhaps. */
    @Override
    public Supplier<List<StackTraceElement>> frames() {
        Thread parked = thread;
        return () -> parked == null || thread != parked ? List.of() : List.of(parked.getStackTrace());
    }

    @Override
    public void run() {
        Thread parked = thread; // first: once it is woken, the next may park here
        woken = true;
        LockSupport.unpark(parked);
    }
}
