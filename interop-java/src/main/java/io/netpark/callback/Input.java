package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.Connection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

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
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
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
    private final Limits limits;
    private final int limit;
    /** For a request callback. */
    private final CarryOver carryOver = new CarryOver();
    /** For an input callback; made with the first byte. */
    private @Nullable LinkBuffer chain;
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
    private boolean detached;
    /** What a request callback is looking at, up to {@link #currentEnd}. */
    private @Nullable ByteBuffer current;
    private int currentEnd;
    private volatile boolean paused;
    private volatile boolean again;
    /** Time without a byte from the peer; 0 for ever. */
    private volatile long timeoutNanos;

    Input(CallbackConnection connection, Limits limits) {
        this.connection = connection;
        this.core = connection.core;
        this.loop = connection.loop();
        this.limits = limits;
        this.limit = limits.inputLimit(connection.callbacks);
        this.timeoutNanos = limits.readNanos();
    }

    /** Starts reading, on the loop. */
    void start() {
        if (unread() > 0 && connection.mayBeCalled() && !paused) {
            deliver();
            checkLimit();
        }
        read();
    }

    /** Puts bytes in front of what will be read; before {@link #start}. */
    void preload(ByteBuffer bytes) {
        if (connection.callbacks.input == null) {
            carryOver.keep(bytes);
            return;
        }
        try {
            chain().write(bytes);
        } catch (NetparkException.LimitExceeded e) {
            connection.end(e);
        }
    }

    private LinkBuffer chain() {
        LinkBuffer known = chain;
        if (known == null) {
            known = chain = limits.newBuffer();
        }
        return known;
    }

    private long unread() {
        LinkBuffer known = chain;
        return known != null ? known.available() : carryOver.size();
    }

    /** Zero for ever. */
    void setTimeout(long nanos) {
        timeoutNanos = nanos;
        if (nanos == 0) {
            core.clearDeadline(Direction.READ);
        } else if (!paused) {
            startTimeout();
        }
    }

    /** From now on a byte is expected. */
    private void startTimeout() {
        long nanos = timeoutNanos;
        if (nanos > 0) {
            core.setDeadline(Direction.READ, System.nanoTime() + nanos);
        }
    }

    /** On the loop: stops reading, leaving no operation behind. */
    void stop() {
        detached = true;
        if (state != IDLE) {
            core.unpark(Direction.READ, waiter); // or it is about to run, and finds that there is nothing to do
            core.abandon(Direction.READ);
            state = IDLE;
        }
    }

    /** On the loop: takes {@link #stop} back. */
    void restart() {
        detached = false;
        goOn();
    }

    /** Takes what is unread, also in the midst of a callback. */
    byte[] takeUnread() {
        if (chain != null) {
            return chain.readBytes((int) chain.available());
        }
        ByteBuffer unread = current != null ? current.limit(currentEnd)
                : carryOver.size() > 0 ? carryOver.bytes() : NOTHING;
        byte[] bytes = new byte[unread.remaining()];
        unread.get(bytes);
        return bytes;
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
        wantedAgain();
    }

    /** Bytes were not wanted for a while, and that time is not the peer's. */
    void wantedAgain() {
        startTimeout();
        goOn();
    }

    /** There may be a reason to read on. From a task: the caller may be a callback, of this connection or another. */
    private void goOn() {
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
        if (chain != null) {
            chain.close();
        }
        endOfStream = true;
    }

    private void ready() {
        if (detached) {
            return;
        }
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
        if (connection.mayBeCalled() && unread() > 0) {
            boolean full = unread() >= limit;
            deliver();
            if (full) {
                startTimeout();
            }
            turn(); // it may have made room
        }
    }

    private boolean mayRead() {
        return connection.isReadable() && !endOfStream && !paused && !detached && unread() < limit;
    }

    private void read() {
        for (int reads = 0; mayRead(); reads++) {
            if (reads == READS_A_TURN) {
                goOn();
                return;
            }
            connection.idle.reading();
            if (state == IDLE) {
                startTimeout();
            }
            int count;
            try {
                count = connection.callbacks.input == null ? readSegment() : readChain();
            } catch (NetparkException e) {
                state = IDLE;
                connection.end(e);
                return;
            } catch (Throwable e) { // no memory, say; the operation has ended
                state = IDLE;
                failed(e);
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
                deliverFresh();
            }
        }
        if (connection.isOpen()) {
            connection.idle.listenForLoopEnd();
        }
    }

    private void failed(Throwable e) {
        NetparkException.Closed cause =
                new NetparkException.Closed(connection + ": closed here, because reading failed: " + e);
        cause.initCause(e);
        if (connection.end(cause)) {
            loop.report("Reading from " + connection + " failed; it is closed", e);
        }
    }

    private int readSegment() throws NetparkException {
        ByteBuffer segment = SEGMENT.get();
        segment.clear().limit(Math.min(SEGMENT_SIZE, limit - carryOver.size()));
        return state == IDLE ? core.startRead(segment) : core.retryRead(segment);
    }

    private int readChain() throws NetparkException {
        LinkBuffer in = chain();
        int count = state == IDLE ? core.startRead(in) : core.retryRead(in);
        if (count == Descriptor.PARK && in.available() > 0) {
            in.trim();
        }
        return count;
    }

    private void deliverFresh() {
        if (connection.callbacks.input != null) {
            callInput();
        } else if (connection.callbacks.request != null) {
            call(carryOver.join(SEGMENT.get().flip()));
        }
        checkLimit();
    }

    private void checkLimit() {
        if (unread() >= limit && connection.isOpen()
                && limits.atInputLimit(connection.callbacks) == AtLimit.CLOSE) {
            connection.end(new NetparkException.LimitExceeded("read from " + connection + ": " + unread()
                    + " bytes have come that no callback takes, and the limit is " + limit
                    + "; refuse messages that are longer, or raise inputLimit"));
        }
    }

    /** What the callback has left before. */
    private void deliver() {
        if (connection.callbacks.input != null) {
            callInput();
        } else if (connection.callbacks.request != null) {
            call(carryOver.bytes());
        }
    }

    private void callInput() {
        InputHandler handler = connection.callbacks.input;
        LinkBuffer in = chain();
        assert handler != null;
        try {
            handler.input(connection, in);
        } catch (Throwable e) {
            connection.callbackFailed("onInput", e);
        }
        in.release();
    }

    private void call(ByteBuffer in) {
        RequestHandler handler = connection.callbacks.request;
        assert handler != null;
        int end = in.limit();
        current = in;
        currentEnd = end;
        try {
            handler.request(connection, in.order(ByteOrder.BIG_ENDIAN));
        } catch (Throwable e) {
            connection.callbackFailed("onRequest", e);
        }
        current = null;
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
