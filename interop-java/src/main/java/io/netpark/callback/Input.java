package io.netpark.callback;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.Connection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The reading half of a connection: reads whenever that is possible and allowed, and hands the bytes to the request
 * callback. An idle connection holds no buffer here: bytes are read into a segment that all connections of the loop
 * share, and only what the callback leaves is copied.
 *
 * <p>Nothing here calls itself: a connection whose socket is always ready is read in a loop, and after
 * {@link #READS_A_TURN} reads the loop's other work goes first.
 */
final class Input {

    static final int READS_A_TURN = 16;
    private static final int SEGMENT_SIZE = 64 * 1024;

    /** One for each event loop, as the threads that read are those of the event loops. */
    private static final ThreadLocal<ByteBuffer> SEGMENT =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(SEGMENT_SIZE));

    /** No read is going on. */
    private static final int IDLE = 0;
    /** A read wants to be retried. */
    private static final int PENDING = 1;
    /** A read is parked: {@link #waiter} is in the slot, or on its way here. */
    private static final int PARKED = 2;

    private final CallbackConnection connection;
    private final Connection core;
    private final EventLoop loop;
    private final int limit;
    private final CarryOver carryOver = new CarryOver();
    private final Waiter waiter = this::ready;

    /**
     * Where the read operation of the core stands. Loop's thread only, as is everything below that is not volatile.
     *
     * <pre>
     *   IDLE --start: EAGAIN--> PARKED --ready--> PENDING --retry: EAGAIN--> PARKED
     *   IDLE --start: bytes---> IDLE              PENDING --retry: bytes---> IDLE
     * </pre>
     *
     * Pausing changes none of these: a read that was parked stays so, and is not retried before reading resumes.
     */
    private int state = IDLE;
    private boolean endOfStream;
    private volatile boolean paused;
    private volatile boolean again;

    Input(CallbackConnection connection, int limit) {
        this.connection = connection;
        this.core = connection.core;
        this.loop = connection.loop();
        this.limit = limit;
    }

    /** Starts reading, on the loop. */
    void start() {
        read();
    }

    /** The peer's end of stream has been read. */
    boolean isEnded() {
        return endOfStream;
    }

    void pause() {
        paused = true;
    }

    void resume() {
        paused = false;
        goOn();
    }

    /** There may be a reason to read on. From a task: the caller may be a callback, of this connection or another. */
    void goOn() {
        loop.tryExecute(this::turn);
    }

    void requestAgain() {
        if (!again) { // two tasks at worst, of which the second finds nothing to do
            again = true;
            loop.tryExecute(this::request);
        }
    }

    void release() {
        carryOver.clear();
        endOfStream = true;
    }

    private void ready() {
        state = PENDING;
        read();
    }

    private void turn() {
        if (state != PARKED) {
            read();
        }
    }

    private void request() {
        if (!again) {
            return;
        }
        again = false;
        if (connection.isOpen() && carryOver.size() > 0) {
            call(carryOver.bytes());
            turn(); // it may have made room
        }
    }

    private boolean mayRead() {
        return connection.isReadable() && !endOfStream && !paused && carryOver.size() < limit;
    }

    private void read() {
        ByteBuffer segment = SEGMENT.get();
        for (int reads = 0; mayRead(); reads++) {
            if (reads == READS_A_TURN) {
                goOn();
                return;
            }
            connection.idle.reading();
            segment.clear().limit(Math.min(SEGMENT_SIZE, limit - carryOver.size()));
            int count;
            try {
                count = state == IDLE ? core.startRead(segment) : core.retryRead(segment);
            } catch (NetparkException e) {
                state = IDLE;
                connection.end(e);
                return;
            }
            if (count == Descriptor.PARK) {
                state = PARKED;
                if (core.park(Direction.READ, waiter)) {
                    return;
                }
                state = PENDING;
            } else if (count == Connection.END_OF_STREAM) {
                state = IDLE;
                ended();
            } else {
                state = IDLE;
                connection.idle.touch();
                deliver(segment.flip());
            }
        }
        if (connection.isOpen()) {
            connection.idle.listenForLoopEnd();
        }
    }

    private void deliver(ByteBuffer fresh) {
        if (connection.callbacks.request != null) {
            call(carryOver.join(fresh));
        }
    }

    private void call(ByteBuffer in) {
        RequestHandler handler = connection.callbacks.request;
        assert handler != null;
        int end = in.limit();
        try {
            handler.request(connection, in.order(ByteOrder.BIG_ENDIAN));
        } catch (Throwable e) {
            connection.callbackFailed("onRequest", e);
        }
        if (connection.isOpen()) {
            int taken = Math.min(in.position(), end);
            carryOver.keep(in.limit(end).position(taken)); // whatever the callback has done to the limit
        }
    }

    private void ended() {
        endOfStream = true;
        ConnectionHandler handler = connection.callbacks.halfClose;
        if (handler == null) {
            connection.closeAfterWrites();
            return;
        }
        try {
            handler.handle(connection);
        } catch (Throwable e) {
            connection.callbackFailed("onHalfClose", e);
        }
        connection.endIfBothHalvesHave();
    }
}
