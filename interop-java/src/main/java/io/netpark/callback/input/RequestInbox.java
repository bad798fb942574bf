package io.netpark.callback.input;

import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.Limits;
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

    private final UserCallbacks callbacks;
    private final Ending ending;
    private final Limits limits;
    private final CarryOver carryOver = new CarryOver();
    /** Null if bytes are to be dropped. */
    private @Nullable Receiver receiver;
    private int limit;

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

    RequestInbox(UserCallbacks callbacks, Ending ending, Receiver receiver, Limits limits) {
        this.callbacks = callbacks;
        this.ending = ending;
        this.limits = limits;
        receiver(receiver);
    }

    @Override
    boolean receiver(Receiver next) {
        if (next.takesInput()) {
            return false;
        }
        receiver = next.isNobody() ? null : next;
        limit = next.inputLimit(limits);
        return true;
    }

    @Override
    long unread() {
        return carryOver.size();
    }

    @Override
    int read(ConnectionDescriptor core, boolean retry) throws NetparkException {
        LoopMemory memory = memory();
        LoopMemory.Block taken = memory.take();
        int count = 0;
        try {
            ByteBuffer room = viewOf(taken.bytes).limit(Math.min(LoopMemory.BLOCK_SIZE, limit - carryOver.size()));
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
            if (receiver != null) {
                call(receiver, carryOver.join(view));
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
        if (receiver != null && carryOver.size() > 0) {
            call(receiver, carryOver.bytes());
        }
    }

    private void call(Receiver receiver, ByteBuffer in) {
        int end = in.limit();
        current = in;
        currentEnd = end;
        try {
            callbacks.request(receiver, in.order(ByteOrder.BIG_ENDIAN));
        } catch (Throwable e) {
            ending.callbackFailed("onRequest", e);
        } finally {
            EventLoop.leaveUserCode();
            current = null;
        }
        if (ending.isOpen()) {
            int taken = Math.min(in.position(), end);
            carryOver.keep(in.limit(end).position(taken)); // whatever the callback has done to the limit
        }
    }

    @Override
    void put(ByteBuffer bytes) {
        carryOver.keep(bytes);
    }

    private ByteBuffer bytes() {
        return current != null ? current.limit(currentEnd) : carryOver.size() > 0 ? carryOver.bytes() : NOTHING;
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
            carryOver.clear();
        }
        return bytes;
    }

    @Override
    void clear() {
        carryOver.clear();
        if (block != null) { // an error was in the way; not given back, as this may be another thread
            block = null;
            empty();
        }
    }
}
