package io.netpark.callback.messages;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.messages.MessageDescriptor;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Messages that a socket could not send at once, in order. Guarded by its own monitor, in which no user code runs.
 *
 * <pre>
 *   empty --send parks--> some, the first one's operation parked --woken--> sends as many as go
 *     --none is left--> empty, onWritable
 *     --one fails--> onError, goes on with the next
 *     --closed--> empty for ever
 * </pre>
 */
final class MessageOutbox implements Waiter {

    private record Pending(ByteBuffer bytes, @Nullable SocketAddress to) {}

    private final CallbackMessages socket;
    private final MessageDescriptor core;
    private final int limit;
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private long dropped;
    /** Somebody was told to wait, or that a message was dropped, and is to be told when none is pending. */
    private boolean owesWritable;

    MessageOutbox(CallbackMessages socket, MessageDescriptor core, int limit) {
        this.socket = socket;
        this.core = core;
        this.limit = limit;
    }

    synchronized int count() {
        return pending.size();
    }

    synchronized long dropped() {
        return dropped;
    }

    synchronized SendResult send(ByteBuffer message, @Nullable SocketAddress to) throws NetparkException {
        if (!pending.isEmpty()) {
            return pending.size() < limit ? keep(message, to) : drop(message);
        }
        if (core.startSend(message, to) != Descriptor.PARK) {
            return SendResult.SENT;
        }
        if (limit == 0) {
            core.abandon(Direction.WRITE);
            return drop(message);
        }
        keep(message, to);
        if (!core.park(Direction.WRITE, this)) {
            goOn();
        }
        return SendResult.PENDING;
    }

    private SendResult keep(ByteBuffer message, @Nullable SocketAddress to) {
        ByteBuffer copy = ByteBuffer.allocate(message.remaining()).put(message).flip();
        pending.add(new Pending(copy, to));
        owesWritable = true;
        return SendResult.PENDING;
    }

    private SendResult drop(ByteBuffer message) {
        message.position(message.limit());
        dropped++;
        owesWritable |= !pending.isEmpty();
        return SendResult.DROPPED;
    }

    /** The first one's operation was parked, and there is reason to retry. */
    @Override
    public synchronized void run() {
        goOn();
    }

    private void goOn() {
        boolean started = true;
        for (Pending next = pending.peek(); next != null; next = pending.peek()) {
            int outcome = 0;
            try {
                outcome = started ? core.retrySend(next.bytes, next.to) : core.startSend(next.bytes, next.to);
            } catch (NetparkException.Closed e) {
                pending.clear();
                return;
            } catch (Throwable e) {
                tell(next, e);
            }
            started = outcome == Descriptor.PARK;
            if (!started) {
                pending.poll();
            } else if (core.park(Direction.WRITE, this)) {
                return;
            }
        }
        if (owesWritable) {
            owesWritable = false;
            socket.tellWritable();
        }
    }

    /** One message less; the others must not wait for it. */
    private void tell(Pending lost, Throwable why) {
        try {
            if (why instanceof NetparkException error) {
                socket.tellError(error);
            } else { // an address that this socket cannot reach, say
                socket.reportLost(lost.to, why);
            }
        } catch (Throwable noMemory) {
            // It gets lost, as datagrams do.
        }
    }
}
