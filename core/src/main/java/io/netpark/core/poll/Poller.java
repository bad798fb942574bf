package io.netpark.core.poll;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Waits for many descriptors at once. One thread, the event loop's, calls {@link #await} and reads the batch it
 * found; registering, changing, removing and waking are for any thread.
 *
 * <p>What is reported is a hint. An event can be stale (its bytes already read), spurious, or merged with others;
 * whoever is told makes the system call and believes only that. In exchange nothing is lost: what becomes ready
 * after a registration, or was ready before it, is reported.
 */
public abstract class Poller implements AutoCloseable {

    /** Watched descriptors by token. */
    final SlotTable slots = new SlotTable();
    /** Guarded by {@link #slots}, as is every call that names the poller's own descriptors outside {@link #await}. */
    private boolean closed;
    private boolean sealed;

    Poller() {}

    /** How an event loop gets its poller. */
    @FunctionalInterface
    public interface Factory {
        /** @throws NetparkException if the kernel has no descriptor or memory for it */
        Poller open(LibC libc) throws NetparkException;
    }

    /** epoll(7). */
    public static final Factory EPOLL = EpollPoller::open;

    /** poll(2): the same contract at a cost that grows with the number of descriptors. For comparison. */
    public static final Factory POLL = PollPoller::open;

    /**
     * Watches a descriptor from now on.
     *
     * @param interest bits of {@link Interest}
     * @throws NetparkException if it cannot be polled (a regular file), a limit is reached, or the poller is closed;
     *     nothing is registered then
     * @throws IllegalStateException if the pollable is registered already
     */
    public abstract void add(int fd, Pollable pollable, int interest) throws NetparkException;

    /**
     * Replaces the interest of a registration; a one-shot one is armed again. Does nothing if it has ended.
     *
     * @throws NetparkException if the kernel refuses
     */
    public abstract void modify(int fd, Pollable pollable, int interest) throws NetparkException;

    /**
     * Ends a registration. An event for it that has been fetched and not yet delivered is dropped. To be called
     * before the descriptor is closed: epoll watches the open file, which a duplicate may keep alive.
     */
    public abstract void remove(int fd, Pollable pollable);

    /**
     * Whether a registration with {@link Interest#EDGE} reports every change by itself. Where false, it reports a
     * direction once after each {@link #arm} of that direction.
     */
    public abstract boolean edgeTriggered();

    /** Asks for one report of a direction of an {@link Interest#EDGE} registration. Nothing to do on epoll. */
    public abstract void arm(int fd, Pollable pollable, int interest) throws NetparkException;

    /**
     * Waits until something is ready, {@link #wakeup} is called, or the time is over, and never returns early for
     * another reason than a signal. Called by one thread at a time.
     *
     * @param timeoutNanos how long; negative without end, 0 only looks. Rounded up to what the kernel can do.
     * @return the size of the batch, to be read with {@link #pollable} and {@link #readiness}
     * @throws NetparkException if the kernel fails in a way that will not pass
     */
    public abstract int await(long timeoutNanos) throws NetparkException;

    /** What event {@code i} of the last batch is about; null for a wake-up or a stale event. */
    public abstract @Nullable Pollable pollable(int i);

    /** Bits of {@link Readiness} of event {@code i} of the last batch. */
    public abstract int readiness(int i);

    /** Makes the current or the next {@link #await} return at once. Costs a system call: see EventLoop's protocol. */
    public abstract void wakeup();

    /** How many descriptors are watched. */
    public final int size() {
        return slots.size();
    }

    /** What is watched at a place below {@link #bound}, or null. For a walk through all that may pause. */
    public final @Nullable Pollable at(int place) {
        return slots.at(place);
    }

    /** What is watched with this very {@linkplain Pollable#token token}; null if that is over. For any thread. */
    public final @Nullable Pollable registered(long token) {
        return slots.get(token);
    }

    /** All places of what is watched are below. It only grows. */
    public final int bound() {
        return slots.bound();
    }

    /** What is watched, at this moment. */
    public final Pollable[] watched() {
        return slots.all();
    }

    /**
     * Tells all that is watched that the poller closes ({@link Pollable#pollerClosed}). Needs no memory of its own, and goes on
     * whatever they throw.
     *
     * @param failed gets what they throw
     */
    public final void tellClosed(WokenBatch woken, Consumer<Throwable> failed) {
        for (int i = 0; i < slots.bound(); i++) {
            Pollable pollable = slots.at(i);
            if (pollable == null) {
                continue;
            }
            if (!woken.makeRoom()) {
                return; // it is called again, when those have been run
            }
            try {
                woken.by(pollable);
                pollable.pollerClosed(woken);
            } catch (Throwable e) {
                failed.accept(e);
            }
        }
    }

    /**
     * Takes no descriptor from now on, if it watches none; whoever comes a moment later is refused with "closed".
     *
     * @return false if it watches some, and goes on as before
     */
    public final boolean seal() {
        synchronized (slots) {
            sealed |= slots.size() == 0;
            return sealed;
        }
    }

    /** Frees the poller's own descriptors. What it watched stays open. Never while a thread is in {@link #await}. */
    @Override
    public final void close() {
        synchronized (slots) {
            if (!closed) {
                closed = true;
                closeDescriptors();
            }
        }
    }

    final boolean isClosed() {
        return closed;
    }

    final void requireOpen() throws NetparkException {
        if (closed || sealed) {
            throw new NetparkException.Closed("the event loop is closed");
        }
    }

    abstract void closeDescriptors();
}
