package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** The turns of writes of a {@link Descriptor}: at most one waiter, which begins a write when another has ended. */
abstract sealed class Sequenced extends Timed permits Descriptor {

    private static final VarHandle SUCCESSOR;

    static {
        try {
            SUCCESSOR = MethodHandles.lookup().findVarHandle(Sequenced.class, "successor", Waiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * <pre>
     *   none --awaitWriteTurn--> a waiter --forgoWriteTurn, passWriteTurn--> none
     * </pre>
     *
     * Whoever takes the waiter out runs it, or has no need to.
     */
    private volatile @Nullable Waiter successor;

    Sequenced(EventLoop loop) {
        super(loop);
    }

    /**
     * Publishes a waiter that wants to begin a write when the write that is going on now has ended: it is run, as a task, when that
     * has happened, or the descriptor is closed. To be followed by a look whether there is still reason to wait; if not,
     * {@link #forgoWriteTurn}. One waiter at a time.
     */
    public final void awaitWriteTurn(Waiter waiter) {
        successor = waiter;
    }

    /**
     * Takes back a waiter that was published by {@link #awaitWriteTurn}.
     *
     * @return false if it has been taken out already and runs, or will run
     */
    public final boolean forgoWriteTurn(Waiter waiter) {
        return SUCCESSOR.compareAndSet(this, waiter, null);
    }

    /** Runs the waiter that {@linkplain #awaitWriteTurn waits for its turn}, if there is one, as if a write had ended. */
    public final void passWriteTurn() {
        Waiter waiter = successor;
        if (waiter != null && forgoWriteTurn(waiter)) {
            loop.wake(waiter);
        }
    }

    /** Looks for a successor after the lock has been dropped; a successor publishes itself, and looks at the lock after that. */
    final void ended(Direction direction) {
        if (direction == Direction.WRITE && successor != null) {
            passWriteTurn();
        }
    }
}
