package io.netpark.callback.input;

import io.netpark.callback.delivery.Receiver;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Of a request callback on the loop, or of none. An idle connection holds no memory here: bytes are read into a block of the
 * loop's, which is this connection's from the read until the callback has returned, and only what that leaves is copied.
 */
final class RequestInbox extends Inbox {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

    private final Input input;
    private Receiver receiver;
    /** What the callback has left, in front of what comes next, as {@link CarryOver} says; null if there is none. */
    private @Nullable ByteBuffer left;

    /** The loop's. Known from the first read on. */
    private @Nullable LoopMemory memory;
    /** What a read has filled, while it is this connection's. */
    private LoopMemory.@Nullable Block block;
    /** This connection's own view, which is empty unless {@link #block} has bytes: what callbacks have in their hands. */
    private ByteBuffer view = NOTHING;
    private @Nullable ByteBuffer viewed;

    /** What the callback is looking at, up to {@link #currentEnd}. */
    private @Nullable ByteBuffer current;
    private int currentEnd;

    RequestInbox(Input input, Receiver receiver) {
        this.input = input;
        this.receiver = receiver;
    }

    @Override
    boolean receiver(Receiver next) {
        if (next.takesInput()) {
            return false;
        }
        receiver = next;
        return true;
    }

    @Override
    long unread() {
        return left == null ? 0 : left.remaining();
    }

    @Override
    int read(ConnectionDescriptor core, boolean retry) throws NetparkException {
        LoopMemory memory = memory();
        LoopMemory.Block taken = memory.take();
        int count = 0;
        try {
            int most = receiver.inputLimit(input.limits) - (int) unread();
            ByteBuffer room = viewOf(taken.bytes).limit(Math.min(LoopMemory.BLOCK_SIZE, most));
            count = retry ? core.retryRead(room) : core.startRead(room);
            return count;
        } finally {
            if (count > 0) {
                taken.filled(count);
                view.flip();
                block = taken;
            } else {
                view.limit(0);
                memory.giveBack(taken, 0);
            }
        }
    }

    private LoopMemory memory() {
        LoopMemory known = memory;
        if (known == null) {
            known = memory = LoopMemory.ofThread();
        }
        return known;
    }

    private ByteBuffer viewOf(ByteBuffer taken) {
        if (viewed != taken) {
            view = taken.duplicate(); // mostly once for a connection, as a loop's block is mostly the same
            viewed = taken;
        }
        return view.clear();
    }

    @Override
    void deliverFresh() {
        LoopMemory.Block filled = block;
        if (filled == null) {
            return; // nothing has been read
        }
        int used = view.limit();
        try {
            if (receiver.takesRequests()) { // or they are dropped
                call(join(view));
            }
        } finally {
            block = null;
            empty();
            memory().giveBack(filled, used);
        }
    }

    /** What a callback has kept against all warnings shows nothing from now on. */
    private void empty() {
        view.position(0).limit(0);
        if (LoopMemory.isParanoid()) {
            view = NOTHING;
            viewed = null;
        }
    }

    @Override
    void deliver() {
        if (receiver.takesRequests() && left != null && left.hasRemaining()) {
            call(left);
        }
    }

    private ByteBuffer join(ByteBuffer fresh) {
        if (left == null) {
            return fresh;
        }
        left = CarryOver.append(left, fresh);
        return left;
    }

    private void keep(ByteBuffer rest) {
        if (!rest.hasRemaining()) {
            left = null;
        } else if (rest != left) {
            left = CarryOver.of(rest);
        }
    }

    private void call(ByteBuffer in) {
        int end = in.limit();
        current = in;
        currentEnd = end;
        try {
            input.callbacks.request(receiver, in.order(ByteOrder.BIG_ENDIAN));
        } catch (Throwable e) {
            input.ending.callbackFailed("onRequest", e);
        } finally {
            EventLoop.leaveUserCode();
            current = null;
        }
        if (input.ending.isOpen()) {
            int taken = Math.min(in.position(), end);
            keep(in.limit(end).position(taken)); // whatever the callback has done to the limit
        }
    }

    @Override
    void put(ByteBuffer bytes) {
        keep(bytes);
    }

    private ByteBuffer bytes() {
        return current != null ? current.limit(currentEnd) : left != null ? left : NOTHING;
    }

    @Override
    byte[] copy() {
        ByteBuffer unread = bytes().duplicate();
        byte[] bytes = new byte[unread.remaining()];
        unread.get(bytes);
        return bytes;
    }

    @Override
    byte[] take() {
        byte[] bytes = copy();
        if (current != null) {
            current.position(currentEnd);
        } else {
            left = null;
        }
        return bytes;
    }

    @Override
    void clear() {
        left = null;
        if (block != null) { // an error was in the way; not given back, as this may be another thread
            block = null;
            empty();
        }
    }
}
