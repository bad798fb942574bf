package io.netpark.callback.input;

import io.netpark.callback.delivery.Receiver;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;

/**
 * The read operation of the core, for as long as an {@link Input} may read. Loop's thread only.
 *
 * <p>Nothing here calls itself: a connection whose socket is always ready is read in a loop, and after
 * {@link #READS_A_TURN} reads the loop's other work goes first.
 */
final class Reading implements Waiter {

    private static final int READS_A_TURN = 16;

    /** No read is going on. */
    private static final int IDLE = 0;
    /** A read wants to be retried. */
    private static final int PENDING = 1;
    /** A read is parked: this is in the slot, or on its way here. */
    private static final int PARKED = 2;

    private final Input input;

    /**
     * <pre>
     *   IDLE --start: EAGAIN--> PARKED --ready--> PENDING --retry: EAGAIN--> PARKED
     *   IDLE --start: bytes---> IDLE              PENDING --retry: bytes---> IDLE
     * </pre>
     *
     * Pausing changes none of these: a read that was parked stays so, and is not retried before reading resumes.
     */
    private int state = IDLE;
    private boolean stopped;

    Reading(Input input) {
        this.input = input;
    }

    /** Stops reading, leaving no operation behind. */
    void stop() {
        stopped = true;
        if (state != IDLE) {
            input.core.unpark(Direction.READ, this); // or it is about to run, and finds that there is nothing to do
            input.core.abandon(Direction.READ);
            state = IDLE;
        }
    }

    /** Takes {@link #stop} back; {@link Input#goOn} follows. */
    void restart() {
        stopped = false;
    }

    /**
     * What there is to read, as {@link ConnectionDescriptor#peekInput} says it. With TLS that cannot be seen where a read is still to go on:
     * then the next begins anew.
     */
    int peek() throws NetparkException {
        if (state == PENDING && input.core.hasTls()) {
            input.core.abandon(Direction.READ);
            state = IDLE;
        }
        return input.core.peekInput();
    }

    /** A read is parked, which finds out by itself what becomes of the stream. */
    boolean isParked() {
        return state == PARKED;
    }

    /** What it was parked for may have come. */
    @Override
    public void run() {
        if (stopped || state != PARKED) { // stopped, in the batch of events that has woken it
            return;
        }
        state = PENDING;
        read();
    }

    @Override
    public String who() {
        Receiver receiver = input.receiver();
        Object handler = receiver.handler();
        return handler == null ? "callbacks" : (receiver.takesRequests() ? "onRequest " : "onInput ") + handler.getClass().getName();
    }

    /** Reads for as long as there are bytes and they are wanted. What is thrown ends the connection: nobody would ever come back to it. */
    void read() {
        try {
            for (int reads = 0; ; reads++) {
                input.unread.adopt(); // each time, as the callback before may have chosen another
                if (stopped || !input.mayRead()) {
                    break;
                }
                if (reads == READS_A_TURN) {
                    input.goOn();
                    return;
                }
                if (!readOnce()) {
                    return;
                }
            }
            input.readingRests(stopped);
        } catch (Throwable e) {
            input.failed(e);
        }
    }

    /** Returns false if there is nothing more to be done for now. */
    private boolean readOnce() throws NetparkException {
        input.idle.unwatchLoopEnd();
        if (state == IDLE) {
            input.startTimeout();
        }
        int count;
        try {
            count = input.unread.read(state != IDLE);
        } catch (Throwable e) { // the operation has ended
            state = IDLE;
            throw e;
        }
        if (count == Descriptor.PARK) {
            state = PARKED;
            if (input.core.park(Direction.READ, this)) {
                input.nothingToRead();
                return false;
            }
            state = PENDING;
        } else if (count == ConnectionDescriptor.END_OF_STREAM) {
            state = IDLE;
            input.endFound();
        } else {
            state = IDLE;
            input.arrived();
        }
        return true;
    }
}
