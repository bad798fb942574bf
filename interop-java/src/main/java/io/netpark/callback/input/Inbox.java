package io.netpark.callback.input;

import io.netpark.callback.delivery.Receiver;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;

/**
 * Where a connection's bytes are between its socket and its callback, and how that is called. Which kind a connection has
 * depends on its {@link Receiver}, and on whether workers call it. Loop's thread only.
 */
abstract sealed class Inbox permits RequestInbox, InputInbox, WorkerInbox {

    /**
     * Has another called from now on. Not in the midst of a callback.
     *
     * @return false if that needs another kind of inbox
     */
    abstract boolean receiver(Receiver next);

    /** Bytes that no callback has taken. */
    abstract long unread();

    /** Those of them that a callback has seen. To be asked when none is running. */
    long left() {
        return unread();
    }

    /**
     * Reads from the socket, as a new operation or as one that goes on.
     *
     * @return what the core returns
     */
    abstract int read(ConnectionDescriptor core, boolean retry) throws NetparkException;

    /** Calls the callback, or has it called, with what has just been read behind what it has left. */
    abstract void deliverFresh();

    /** Calls the callback, or has it called, with what it has left. */
    abstract void deliver();

    /** Whether a callback that is running waits for bytes. */
    boolean isAwaited() {
        return false;
    }

    /** Whether callbacks are called by {@link #deliver} itself, on the loop. */
    boolean callsHere() {
        return true;
    }

    /** A callback that waits for bytes gets what has come; it is called also when no more will. */
    void feed() {}

    // Of a worker's call, which has its bytes for itself

    /** How many bytes no callback has been called with. To be asked when none is running on the loop. */
    final long fresh() {
        return unread() - left();
    }

    /** On the loop: a worker is going to have the bytes. */
    void handOut() {}

    /** On the worker. */
    void call() {}

    /** On the loop: the worker has given the bytes back. */
    void takeBack() {}

    /** Waits for bytes, as {@code awaitInput} of the connection does. */
    boolean await(long count) throws NetparkException, InterruptedException {
        throw new IllegalStateException("no worker runs a callback");
    }

    /** From any thread: whether bytes have been read, or are being read, that no callback has been called with. */
    boolean isOnItsWay() {
        return false;
    }

    /** Adds bytes that come from elsewhere; nothing has been read by then, or it has been {@linkplain #take taken}. */
    abstract void put(ByteBuffer bytes) throws NetparkException.LimitExceeded;

    /** What is unread, which stays so; also in the midst of a callback. */
    abstract byte[] copy();

    /** Takes what is unread out of here, also in the midst of a callback. */
    abstract byte[] take();

    /** Drops what is unread. */
    abstract void clear();
}
