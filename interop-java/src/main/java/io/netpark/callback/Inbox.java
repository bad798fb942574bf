package io.netpark.callback;

import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;

/**
 * Where a connection's bytes are between its socket and its callback, and how that is called. Which kind a connection has
 * depends on its {@link Receiver}, and on whether there are {@link Workers}. Loop's thread only.
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
