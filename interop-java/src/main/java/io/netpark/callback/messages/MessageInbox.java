package io.netpark.callback.messages;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.messages.MessageBatch;
import io.netpark.core.net.messages.MessageDescriptor;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;

/** Receives for as long as the socket is open, in portions, so that other sockets of the loop have their turns. On the loop. */
final class MessageInbox implements Waiter {

    private static final int RECEIVES_A_TURN = 4;
    /** After an error that says nothing about when it will be over: no memory, say. */
    private static final long PAUSE_MILLIS = 10;

    private final CallbackMessages socket;
    private final MessageDescriptor core;
    private final MessageCallbacks callbacks;
    /** A receive was parked and wants to be retried. */
    private boolean parked;

    MessageInbox(CallbackMessages socket, MessageDescriptor core, MessageCallbacks callbacks) {
        this.socket = socket;
        this.core = core;
        this.callbacks = callbacks;
    }

    @Override
    public void run() {
        try {
            receive();
        } catch (Throwable e) { // no memory, say: nobody else would ever come back to this socket
            tryLater(e);
        }
    }

    private void tryLater(Throwable trouble) {
        try {
            socket.loop().report("Receiving from " + socket + " failed; it is tried again", trouble);
            socket.loop().schedule(this, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (Throwable e) { // not even that
            socket.end(null);
        }
    }

    private void receive() {
        for (int receives = 0; receives < RECEIVES_A_TURN; receives++) {
            MessageBatch batch = callbacks.batch();
            boolean retry = parked;
            parked = false; // whatever is thrown: then the operation has ended
            int received;
            try {
                received = retry ? core.retryReceive(batch) : core.startReceive(batch);
            } catch (NetparkException.Closed e) {
                socket.end(e);
                return;
            } catch (NetparkException e) {
                if (!goesOnAfter(e)) {
                    return;
                }
                continue;
            }
            parked = received == Descriptor.PARK;
            if (received == MessageDescriptor.END_OF_STREAM) {
                socket.end(null);
                return;
            }
            if (!parked) {
                deliver(batch);
            } else if (core.park(Direction.READ, this)) {
                return;
            }
        }
        socket.loop().wake(this); // or here, to find it closed
    }

    private void deliver(MessageBatch batch) {
        for (int i = 0; i < batch.count() && socket.isOpen(); i++) {
            Message message = new Message(batch, i);
            try {
                callbacks.message.message(socket, message);
            } catch (Throwable e) {
                socket.loop().report("The onMessage callback of " + socket + " threw; the socket goes on", e);
            } finally {
                message.end();
                EventLoop.leaveUserCode();
            }
        }
    }

    /** Whether to receive again at once. */
    private boolean goesOnAfter(NetparkException error) {
        if (core.isSequenced()) {
            socket.end(error);
            return false;
        }
        socket.tellError(error);
        if (!(error instanceof NetparkException.SystemError)) { // about a message that was sent: told once
            return true;
        }
        socket.loop().schedule(this, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        return false;
    }
}
