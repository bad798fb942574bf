package io.netpark.callback.input;

import io.netpark.callback.delivery.OnWorkers;
import io.netpark.callback.delivery.Receiver;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;

/**
 * What has been read of a connection and no callback has taken, and who is to be called with it: an {@link Inbox} of the kind that
 * the {@link Receiver} in force needs. Loop's thread only, but for the receiver.
 */
final class Unread {

    private final Input input;
    /** In force from the next call on. */
    private volatile Receiver receiver;
    /** What {@link #receiver} was when the loop has last looked. */
    private Receiver adopted;
    private volatile Inbox inbox;
    /** A callback is running on the loop. */
    private boolean calling;

    Unread(Input input, Receiver receiver) {
        this.input = input;
        this.receiver = receiver;
        this.adopted = receiver;
        this.inbox = input.delivery instanceof OnWorkers ? new WorkerInbox(input) : inboxFor(receiver);
    }

    private Inbox inboxFor(Receiver receiver) {
        return receiver.takesInput() ? new InputInbox(input, receiver) : new RequestInbox(input, receiver);
    }

    // Who is told

    /** From any thread: from the next call on. */
    void receiver(Receiver next) {
        receiver = next;
    }

    /** Who is to be called now. From any thread. */
    Receiver receiver() {
        return receiver;
    }

    /** Before each look at the bytes, and not in the midst of a callback. */
    void adopt() throws NetparkException.LimitExceeded {
        Receiver next = receiver;
        if (next == adopted) {
            return;
        }
        if (!inbox.receiver(next)) {
            Inbox before = inbox;
            Inbox after = inboxFor(next);
            if (before.unread() > 0) {
                after.put(ByteBuffer.wrap(before.copy()));
            }
            inbox = after;
            before.clear();
        }
        adopted = next;
    }

    void deliver(boolean fresh) {
        calling = inbox.callsHere();
        try {
            if (fresh) {
                inbox.deliverFresh();
            } else {
                inbox.deliver();
            }
        } finally {
            calling = false;
        }
    }

    /** Whether that is going on, for those on the loop. */
    boolean isDelivering() {
        return calling;
    }

    // How much there is

    boolean isAny() {
        return inbox.unread() > 0;
    }

    long size() {
        return inbox.unread();
    }

    /** Whether what there is, is a part of a message. */
    boolean isInMessage() {
        return adopted.framing() != null && inbox.unread() > 0;
    }

    /** As much as there may be. */
    boolean isFull() {
        return inbox.unread() >= limit();
    }

    private int limit() {
        return adopted.inputLimit(input.limits);
    }

    /** A callback has been called, has left some, and has not got it in its hands still. */
    boolean isAnyLeft() {
        return inbox.left() > 0 && !input.delivery.isOut();
    }

    /** From any thread: whether some has been read, or may be, that no callback has been called with. */
    boolean isOnItsWay() {
        return inbox.isOnItsWay();
    }

    /** A callback that is running waits for more. */
    boolean isAwaited() {
        return inbox.isAwaited();
    }

    /** If the callback in force has been called and left too much, is to have more, and that is not to be waited for. */
    void checkLimit() {
        if (inbox.left() >= limit() && receiver == adopted && isWanted() && !input.delivery.isOut()
                && adopted.closesAtLimit(input.limits)) {
            input.ending.end(new NetparkException.LimitExceeded("read from " + input.core + ": " + inbox.left()
                    + " bytes have come that no callback takes, and the limit is " + limit()
                    + "; refuse messages that are longer, or raise inputLimit"));
        }
    }

    /** Not by a callback that has closed behind its answer, or has given the bytes to somebody else. */
    private boolean isWanted() {
        return input.ending.isOpen() && !input.output.isToBeClosed() && !input.isLent();
    }

    // More and less of it

    int read(boolean retry) throws NetparkException {
        return inbox.read(input.core, retry);
    }

    /** Adds bytes that were read elsewhere; nothing has been read here by then, or it has been taken. */
    void put(ByteBuffer bytes) throws NetparkException.LimitExceeded {
        inbox.put(bytes);
    }

    void putInFront(LinkBuffer first) throws NetparkException.LimitExceeded {
        byte[] behind = inbox.copy();
        ByteBuffer all = ByteBuffer.allocate((int) first.available() + behind.length);
        inbox.take();
        first.take(all);
        inbox.put(all.put(behind).flip());
    }

    /** Also in the midst of a callback, as {@link #copy}. */
    byte[] take() {
        return inbox.take();
    }

    byte[] copy() {
        return inbox.copy();
    }

    /** Where the bytes are. */
    Inbox inbox() {
        return inbox;
    }

    void clear() {
        inbox.clear();
    }
}
