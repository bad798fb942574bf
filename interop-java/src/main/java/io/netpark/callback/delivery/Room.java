package io.netpark.callback.delivery;

import org.jspecify.annotations.Nullable;

/**
 * How many calls an executor has room for, and the line of those that wait for some: first come, first served. A call is in line at
 * most once, and a connection has one call, so the line is never longer than there are connections. From any thread.
 *
 * <pre>
 *   {@link #enter}: no room, or others are in line --{@link #await}--> in line --{@link #leave} or {@link #next}--> has a place
 *                                                   in line --{@link #withdraw}--> not waiting
 * </pre>
 */
public final class Room {

    /** Of an executor that says by itself when it has no more room. */
    static final int UNKNOWN = Integer.MAX_VALUE;

    private final int size;
    /** Guarded by this, as is the line; not counted if the size is unknown. */
    private int taken;
    /** Who comes next. Written under the monitor. */
    private volatile @Nullable WorkerCall first;
    private @Nullable WorkerCall last;

    Room(int size) {
        this.size = size;
    }

    /** Whether it is the executor that says when it is full, and nobody when it is not. */
    boolean isUnknown() {
        return size == UNKNOWN;
    }

    /** Takes a place; returns false if there is none, or if it is the turn of those that are in line. */
    public boolean enter() {
        return isUnknown() ? first == null : enterCounted();
    }

    private synchronized boolean enterCounted() {
        if (first != null || taken >= size) {
            return false;
        }
        taken++;
        return true;
    }

    /**
     * Joins the line, unless there is a place by now.
     *
     * @param refused whether the executor has refused it, though there was a place
     * @return whether it has the place
     */
    synchronized boolean await(WorkerCall call, boolean refused) {
        if (!refused && !isUnknown() && first == null && taken < size) {
            taken++;
            return true;
        }
        call.lineBefore = last;
        call.lineBehind = null;
        if (last == null) {
            first = call;
        } else {
            last.lineBehind = call;
        }
        last = call;
        call.inLine = true;
        return false;
    }

    /** Whoever had a place, and was not taken with it, is next in line again. */
    synchronized void awaitInFront(WorkerCall call) {
        giveUp();
        WorkerCall next = first;
        call.lineBefore = null;
        call.lineBehind = next;
        if (next == null) {
            last = call;
        } else {
            next.lineBefore = call;
        }
        first = call;
        call.inLine = true;
    }

    /** Returns false if it was not in line. */
    synchronized boolean withdraw(WorkerCall call) {
        if (!call.inLine) {
            return false;
        }
        WorkerCall before = call.lineBefore;
        WorkerCall behind = call.lineBehind;
        if (before == null) {
            first = behind;
        } else {
            before.lineBehind = behind;
        }
        if (behind == null) {
            last = before;
        } else {
            behind.lineBefore = before;
        }
        call.lineBefore = null;
        call.lineBehind = null;
        call.inLine = false;
        return true;
    }

    /** Gives a place back, and returns who has it now. */
    @Nullable WorkerCall leave() {
        if (isUnknown() && first == null) {
            return null;
        }
        synchronized (this) {
            giveUp();
            return next();
        }
    }

    /** Takes a place for whoever comes next; null if there is none, or nobody waits. */
    synchronized @Nullable WorkerCall next() {
        WorkerCall next = first;
        if (next == null || !isUnknown() && taken >= size) {
            return null;
        }
        withdraw(next);
        if (!isUnknown()) {
            taken++;
        }
        return next;
    }

    private void giveUp() {
        if (!isUnknown()) {
            taken--;
        }
    }
}
