package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The turns of writes of a {@link Descriptor}: at most one waiter, which begins a write when another has ended; and at most one
 * write that no other may come into.
 */
abstract sealed class Sequenced extends Timed permits Descriptor {

    private static final VarHandle SUCCESSOR;
    private static final VarHandle HOLDER;

    static {
        try {
            SUCCESSOR = MethodHandles.lookup().findVarHandle(Sequenced.class, "successor", Waiter.class);
            HOLDER = MethodHandles.lookup().findVarHandle(Sequenced.class, "holder", Object.class);
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
    /**
     * <pre>
     *   none --hold, by a write that has the lock--> that write --goOn--> none
     * </pre>
     *
     * A write that is broken off drops the lock first, says then what that means for those behind it, and takes itself out of here
     * last. So whoever has got the lock, and finds nobody here, looks at what the write has said.
     */
    private volatile @Nullable Object holder;

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

    /**
     * Has all other writes wait until all of this one has been written, though it may be broken off and drop the lock meanwhile. Called
     * by the write itself, while it has the lock.
     *
     * @param write which one it is: any object, by its identity
     * @return whether they waited for it already
     */
    public final boolean hold(Object write) {
        return holder == write || (Object) HOLDER.compareAndExchange(this, (Object) null, write) == write;
    }

    /** Ends the {@link #hold} of this write, and of no other. */
    public final void goOn(Object write) {
        if (holder == write && HOLDER.compareAndSet(this, write, null)) {
            passWriteTurn();
        }
    }

    /** Whether others wait for the end of this write. */
    public final boolean isHeldBy(Object write) {
        return holder == write;
    }

    /** Whether others wait for the end of any write. */
    public final boolean isHeld() {
        return holder != null;
    }

    /** Looks for a successor after the lock has been dropped; a successor publishes itself, and looks at the lock after that. */
    final void ended(Direction direction) {
        if (direction == Direction.WRITE && successor != null) {
            passWriteTurn();
        }
    }
}
