package io.netpark.callback;

import io.netpark.core.net.Connection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Of a request callback on the loop, or of none. An idle connection holds no buffer here: bytes are read into a segment
 * that all connections of the loop share, and only what the callback leaves is copied.
 */
final class RequestInbox extends Inbox {

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final int SEGMENT_SIZE = 64 * 1024;

    /** One for each event loop, as the threads that read are those of the event loops. */
    private static final ThreadLocal<ByteBuffer> SEGMENT =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(SEGMENT_SIZE));

    private final CallbackConnection connection;
    private final @Nullable RequestHandler handler;
    private final int limit;
    private final CarryOver carryOver = new CarryOver();
    /** What the callback is looking at, up to {@link #currentEnd}. */
    private @Nullable ByteBuffer current;
    private int currentEnd;

    /** @param handler null if bytes are to be dropped */
    RequestInbox(CallbackConnection connection, @Nullable RequestHandler handler, int limit) {
        this.connection = connection;
        this.handler = handler;
        this.limit = limit;
    }

    @Override
    long unread() {
        return carryOver.size();
    }

    @Override
    int read(Connection core, boolean retry) throws NetparkException {
        ByteBuffer segment = SEGMENT.get();
        segment.clear().limit(Math.min(SEGMENT_SIZE, limit - carryOver.size()));
        return retry ? core.retryRead(segment) : core.startRead(segment);
    }

    @Override
    void deliverFresh() {
        if (handler != null) {
            call(handler, carryOver.join(SEGMENT.get().flip()));
        }
    }

    @Override
    void deliver() {
        if (handler != null) {
            call(handler, carryOver.bytes());
        }
    }

    private void call(RequestHandler handler, ByteBuffer in) {
        int end = in.limit();
        current = in;
        currentEnd = end;
        try {
            handler.request(connection, in.order(ByteOrder.BIG_ENDIAN));
        } catch (Throwable e) {
            connection.life.callbackFailed("onRequest", e);
        }
        current = null;
        if (connection.isOpen()) {
            int taken = Math.min(in.position(), end);
            carryOver.keep(in.limit(end).position(taken)); // whatever the callback has done to the limit
        }
    }

    @Override
    void put(ByteBuffer bytes) {
        carryOver.keep(bytes);
    }

    @Override
    byte[] take() {
        ByteBuffer unread = current != null ? current.limit(currentEnd)
                : carryOver.size() > 0 ? carryOver.bytes() : NOTHING;
        byte[] bytes = new byte[unread.remaining()];
        unread.get(bytes);
        return bytes;
    }

    @Override
    void clear() {
        carryOver.clear();
    }
}
