package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Descriptor} is to the poller, and to operations that wait: two slots, in which one waiter each is parked, and the
 * error word, which says why not to wait. What the poller reports takes the waiters out.
 */
abstract sealed class Watched extends Pollable implements AutoCloseable permits Timed {

    final EventLoop loop;
    final ErrorWord error = new ErrorWord();
    private final ParkingSlot readSlot = new ParkingSlot();
    private final ParkingSlot writeSlot = new ParkingSlot();

    Watched(EventLoop loop) {
        this.loop = loop;
    }

    /** The loop that watches the descriptor and runs its waiters. */
    public final EventLoop loop() {
        return loop;
    }

    @Override
    public abstract void close();

    // What the poller reports

    @Override
    protected final void registered(int generation) {
        error.register(generation);
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        if ((readiness & Readiness.STICKY) != 0) {
            error.stick((int) (token() >>> 32), readiness);
        }
        if ((readiness & Readiness.WAKES_READER) != 0) {
            add(readSlot.ready(), woken);
        }
        if ((readiness & Readiness.WAKES_WRITER) != 0) {
            add(writeSlot.ready(), woken);
        }
    }

    private static void add(@Nullable Waiter waiter, WokenBatch woken) {
        if (waiter != null) {
            woken.add(waiter);
        }
    }

    @Override
    public void pollerClosed(WokenBatch woken) {
        close();
    }

    final ParkingSlot slot(Direction direction) {
        return direction == Direction.READ ? readSlot : writeSlot;
    }

    /** Whether an event has come in that no operation has looked at yet. */
    protected final boolean isReady(Direction direction) {
        return slot(direction).isReady();
    }

    /** Whether a waiter is parked now. */
    protected final boolean isParked(Direction direction) {
        return slot(direction).isOccupied();
    }

    /** Who is parked now, for somebody who looks; null if nobody is. */
    protected final @Nullable Waiter parked(Direction direction) {
        return slot(direction).occupant();
    }

    @Override
    public final int parked() {
        return (readSlot.isOccupied() ? 1 : 0) + (writeSlot.isOccupied() ? 1 : 0);
    }

    /** Whether the kernel has said that the peer is done, or that an error is pending. */
    protected final boolean hasStickyReadiness() {
        return (error.flags() & Readiness.STICKY) != 0;
    }

    /** The bits of {@link Readiness#STICKY} that the kernel has reported. */
    protected final int stickyReadiness() {
        return error.flags() & Readiness.STICKY;
    }

    /** Pretends readiness: a parked operation tries again, or the next one does not park. */
    public final void nudge(Direction direction) {
        wake(slot(direction).ready());
    }

    // Parking

    /**
     * Publishes the waiter of an operation that returned {@link Descriptor#PARK}.
     *
     * @return true if it will be run, once, when there is reason to retry; it may be running already. False if
     *     there is reason to retry now, and it will not be run.
     */
    public final boolean park(Direction direction, Waiter waiter) {
        ParkingSlot slot = slot(direction);
        if (!slot.park(waiter)) {
            return false;
        }
        if ((error.flags() & direction.turnOver) == 0) {
            request(direction);
        } else { // nor is the poller asked: what is ready would be reported before others had their turn
            error.clear(direction.turnOver);
            if (!passTurn(slot)) {
                return !slot.remove(waiter);
            }
        }
        // The second half of the handshake of ErrorWord: whoever set a flag after this finds the waiter.
        return !mustNotWait(direction, true) || !slot.remove(waiter);
    }

    private void request(Direction direction) {
        try {
            requestReport(direction);
        } catch (Throwable e) { // the poller refuses, or there is no memory; the waiter is in its slot
            close();
            loop.report("Could not wait for " + this + "; it is closed", e);
        }
    }

    private boolean passTurn(ParkingSlot slot) {
        try {
            return loop.tryExecute(slot);
        } catch (OutOfMemoryError e) { // there is no task to wait for, so it goes on at once
            return false;
        }
    }

    /**
     * What an operation returns that could go on, and has taken so long that others on its loop should have their turn: it parks,
     * and is woken by a task.
     */
    protected final int turnOver(Direction direction) {
        slot(direction).forget();
        error.set(direction.turnOver);
        return Descriptor.PARK;
    }

    /**
     * Takes out a waiter that no longer wants to be run.
     *
     * @return false if it has been taken out already and runs, or will run
     */
    public final boolean unpark(Direction direction, Waiter waiter) {
        return slot(direction).remove(waiter);
    }

    /**
     * Sees to it that the poller reports when a direction is ready: an operation has been published in its slot, and depends on that
     * from now on.
     */
    protected abstract void requestReport(Direction direction) throws NetparkException;

    /** Looks at the error word. A timeout is about an operation that has been waiting, and not about an operation that starts. */
    final boolean mustNotWait(Direction direction, boolean hasWaited) {
        return (error.flags() & (ErrorWord.CLOSING | direction.expired | (hasWaited ? direction.timedOut : 0))) != 0;
    }

    final void wake(@Nullable Waiter waiter) {
        if (waiter != null) {
            loop.wake(waiter);
        }
    }
}
