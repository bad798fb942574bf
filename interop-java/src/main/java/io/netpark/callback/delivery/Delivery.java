package io.netpark.callback.delivery;

/**
 * Has the callbacks of one connection called, one at a time: on its event loop ({@link OnLoop}), or by workers ({@link OnWorkers}).
 * Loop's thread only, unless a method says otherwise.
 *
 * <p>Bytes are different: on the loop they are shown to their callback where they were read, so only workers are asked for
 * {@link #INPUT} and {@link #AGAIN}.
 */
public abstract sealed class Delivery permits OnLoop, OnWorkers {

    /** What may be wanted, in order of preference. */
    public static final int CONNECT = 1;
    public static final int AGAIN = 1 << 1;
    public static final int INPUT = 1 << 2;
    public static final int WRITABLE = 1 << 3;
    public static final int HALF_CLOSE = 1 << 4;

    Delivery() {}

    /** Something is to be called, as soon as it may. Asking for it twice before is asking once. */
    public abstract void want(int event);

    /** What was wanted before may have become possible. */
    public void next() {}

    /** Whether that is wanted and has not been called. */
    public boolean isWanted(int event) {
        return false;
    }

    /** Whether a worker has a callback in its hands. */
    public boolean isOut() {
        return false;
    }

    /** Whether a callback waits until there is a worker for it, and nothing is to be read meanwhile. From any thread. */
    public boolean isWaiting() {
        return false;
    }

    /** From any thread: whether that is in a call of these, given to a worker. */
    public boolean isCurrent() {
        return false;
    }

    /** As {@link #isCurrent}, and not on an event loop: so the call may wait. */
    public boolean mayWait() {
        return false;
    }

    /** Runs something, as a task of the loop, when the callback that a worker is running now has returned. */
    public void afterCall(Runnable action) {
        throw new IllegalStateException("no worker is running a callback");
    }

    /** The connection has ended: nothing is wanted any more, and this runs when no call is out, perhaps now. */
    public void whenAtRest(Runnable action) {
        action.run();
    }

    /** The last callback has returned: what was to follow a call does now. */
    public void end() {}

    /** From any thread: whether the worker that has the call has called {@link Runtime#exit} in it. */
    public boolean isExiting() {
        return false;
    }

    /** The connection and its loop have ended: not to wait for a call that nobody will make. */
    public void giveUpLost() {}

    /** From any thread: whether that is in a call of a connection of this owner. */
    public static boolean isInCallOf(Object owner) {
        return OnWorkers.isInCallOf(owner);
    }
}
