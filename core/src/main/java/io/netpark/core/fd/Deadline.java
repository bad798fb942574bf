package io.netpark.core.fd;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The deadline of one direction: an instant, and one timer that is moved as seldom as possible.
 *
 * <p>Setting a later deadline only stores it: the timer stays armed for the earlier instant, finds then that it is
 * not time yet, and moves itself. So a deadline set before every read costs a store, and a timer operation once per
 * timeout period. Setting an earlier one moves the timer at once.
 *
 * <p>A firing can be overtaken: the deadline may have moved, or moved twice, since the timer was armed. Go numbers its
 * deadlines so that such a timer can tell. Here a firing carries nothing at all: under the lock it judges by the
 * deadline in force, so there is nothing stale that it could act upon.
 */
final class Deadline {

    /** No deadline. */
    static final long NONE = 0;

    private final EventLoop loop;
    private final ErrorWord error;
    private final ParkingSlot slot;
    private final int expired;
    private final Timer timer;
    /** Asked before the deadline passes, on the loop: whether the operation gets somewhere, and is to have as long again. */
    private final @Nullable BooleanSupplier progress;

    // Guarded by this
    private long at = NONE;
    /** When the timer will fire; NONE if it is idle. */
    private long armedAt = NONE;
    /** How far away the deadline was when it was set. */
    private long span;
    private boolean closed;

    Deadline(EventLoop loop, ErrorWord error, ParkingSlot slot, int expired, @Nullable BooleanSupplier progress) {
        this.loop = loop;
        this.error = error;
        this.slot = slot;
        this.expired = expired;
        this.progress = progress;
        this.timer = loop.newTimer(this::fire);
    }

    /**
     * Sets the instant, a {@link System#nanoTime} value, or {@link #NONE}.
     *
     * @return a waiter that has to learn of it, for the caller to run
     */
    synchronized @Nullable Waiter set(long nanoTime) {
        if (closed) {
            return null;
        }
        if (nanoTime == NONE) {
            at = NONE;
            error.clear(expired);
            return null;
        }
        span = nanoTime - System.nanoTime();
        at = Due.in(span);
        if (span <= 0) {
            return expire();
        }
        error.clear(expired); // an operation that has just been timed out and has not run yet goes on
        if (armedAt == NONE || at - armedAt < 0) {
            arm(at);
        }
        return null;
    }

    /** Moves a deadline that has not passed to as far from now as it was when it was set. */
    synchronized void extend() {
        if (at != NONE && span > 0) {
            at = Due.in(span);
            error.clear(expired);
            if (armedAt == NONE) { // otherwise it is armed for an earlier instant, and moves itself
                arm(at);
            }
        }
    }

    private void arm(long nanoTime) {
        timer.arm(nanoTime);
        armedAt = nanoTime; // not before: there may be no memory to arm it
    }

    /** Error word first, then the slot: see {@link ErrorWord}. */
    private @Nullable Waiter expire() {
        error.set(expired);
        return slot.take();
    }

    /** On the loop, at {@link #armedAt} or, if that was moved meanwhile, later or for nothing. */
    private void fire() {
        Waiter waiter = null;
        boolean progressed = false;
        for (boolean asked = progress == null; ; asked = true) {
            synchronized (this) {
                armedAt = NONE;
                if (closed || at == NONE) {
                    return;
                }
                if (progressed && span > 0) {
                    at = Due.in(span);
                }
                if (at - System.nanoTime() > 0) {
                    arm(at);
                    return;
                }
                if (asked) {
                    waiter = expire();
                    break;
                }
            }
            progressed = hasProgressed(); // a system call, so without the monitor
        }
        if (waiter != null) {
            waiter.run();
        }
    }

    private boolean hasProgressed() {
        try {
            return progress.getAsBoolean();
        } catch (RuntimeException | Error e) {
            loop.report("Whether an operation gets somewhere could not be found out; its deadline passes", e);
            return false;
        }
    }

    /** The descriptor is gone: its timer must not keep it reachable. */
    synchronized void close() {
        closed = true;
        if (armedAt != NONE) {
            timer.disarm();
        }
    }

    @Override
    public String toString() {
        return at == NONE ? "none" : (at - System.nanoTime()) / 1_000_000 + " ms on " + loop;
    }
}
