package io.netpark.callback.input;

import io.netpark.callback.delivery.Delivery;
import io.netpark.core.sys.NetparkException;

/**
 * Unread bytes that a callback is still to be shown, or to be shown again, though nothing has come behind them: because it has asked
 * for that, has paused at them, had no room to answer, or has never seen them.
 */
final class UntoldBytes implements Runnable {

    private final Input input;

    /** Somebody has asked for a call with the unread bytes, and {@link #run} is on its way. */
    private volatile boolean again;
    /** {@link #run} is on its way to tell of what is unread, unless reading is paused when it comes. */
    private volatile boolean due;
    /**
     * There are unread bytes that the callback is to be called with before anything else is read: it has not seen them, as they
     * were read elsewhere, or it has paused at them.
     */
    private volatile boolean untold;
    /** The callback has left messages that are whole, as too much output is pending. */
    private volatile boolean wantsRoom;

    UntoldBytes(Input input) {
        this.input = input;
    }

    /** Whether there are some, and nothing is to be read before they have been told. */
    boolean areAny() {
        return untold;
    }

    /** Whether a callback is still to be shown what is unread. */
    boolean isAskedAgain() {
        return again || due || untold || input.delivery.isWanted(Delivery.AGAIN);
    }

    /** On the loop, when reading starts. */
    void start() {
        due |= untold && !input.isPaused();
        run();
    }

    /** Bytes were put in that were read elsewhere; told with the start, or when the input is given back. */
    void preloaded() {
        untold = input.unread.isAny();
    }

    /** Nobody has been told of what is unread now. */
    void note() {
        if (input.unread.isAny()) {
            untold = true; // before looking whether it is paused, as resuming looks at this afterwards
            if (!input.isPaused()) {
                tell();
            }
        }
    }

    /** From any thread: has the callback called with what is unread, also while reading is paused. */
    void requestAgain() {
        if (!again) { // two tasks at worst, of which the second finds nothing to do
            again = true;
            try {
                input.loop().tryExecute(this);
            } catch (Throwable e) { // no memory for the task: whoever asks is told, and may ask again
                again = false;
                throw e;
            }
        }
    }

    /** As {@link #requestAgain}, and whoever pauses before that is not told. */
    void tell() {
        if (!due) {
            due = true;
            try {
                input.loop().tryExecute(this);
            } catch (Throwable e) { // as above
                due = false;
                throw e;
            }
        }
    }

    /** The task of both. */
    @Override
    public void run() {
        try {
            if (again) {
                again = false;
                tellNow();
            } else if (due && input.isPaused()) {
                due = false; // and it is untold still
            } else if (due && input.delivery.isOut()) { // which may pause
                untold = false;
                input.delivery.afterCall(this);
            } else if (due) {
                tellNow();
            }
            input.turn(); // it may have made room
        } catch (Throwable e) {
            input.failed(e);
        }
    }

    private void tellNow() throws NetparkException {
        due = false;
        untold = false;
        input.unread.adopt();
        if (!input.mayBeCalled() || input.isLent() || !input.unread.isAny()) {
            return;
        }
        boolean full = input.unread.isFull();
        deliver(false);
        checkLimit();
        if (full) {
            input.startTimeout();
        }
    }

    // Calling

    /** @param fresh whether there are bytes that have just been read */
    void deliver(boolean fresh) {
        input.unread.deliver(fresh);
        input.idle.touch(); // from here on it is the peer's turn
        noteIfStopped();
    }

    /** In the midst of a call: whether an answer may be written. If not, what the callback leaves comes again as soon as one may. */
    boolean hasRoom() {
        wantsRoom = !input.output.isBelowHighWaterMark();
        return !wantsRoom;
    }

    /** What a callback has left when it paused, or had no room to answer, comes again when it may, before anything else does. */
    void noteIfStopped() {
        if (input.delivery.isOut()) {
            return; // until it has come back
        }
        boolean stopped = wantsRoom;
        wantsRoom = false;
        if ((input.isPaused() || stopped) && input.unread.isAnyLeft()) {
            untold = true; // before looking once more, as resuming looks at this afterwards
            if (!input.isPaused() && !input.output.isFull()) { // or it is told when it is full no more
                tell();
            }
        }
    }

    /** Who asks again, or was replaced, is going to take more. */
    void checkLimit() {
        if (!isAskedAgain()) {
            input.unread.checkLimit();
        }
    }
}
