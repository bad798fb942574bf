package io.netpark.callback.input;

import io.netpark.callback.state.Idling;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;

/**
 * The read operation of the core, for as long as an {@link Input} may read. Loop's thread only, but for {@link #goOn}.
 *
 * <p>Nothing here calls itself: a connection whose socket is always ready is read in a loop, and after
 * {@link #READS_A_TURN} reads the loop's other work goes first.
 */
final class Reading {

    private static final int READS_A_TURN = 16;

    /** No read is going on. */
    private static final int IDLE = 0;
    /** A read wants to be retried. */
    private static final int PENDING = 1;
    /** A read is parked: {@link #waiter} is in the slot, or on its way here. */
    private static final int PARKED = 2;

    private final Input input;
    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final Idling idle;
    private final Unread unread;
    private final Waiter waiter = this::ready;
    private final Runnable turn;

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

    Reading(Input input, ConnectionDescriptor core, Idling idle, Unread unread) {
        this.input = input;
        this.core = core;
        this.loop = core.loop();
        this.idle = idle;
        this.unread = unread;
        this.turn = input::turn;
    }

    /** Stops reading, leaving no operation behind. */
    void stop() {
        stopped = true;
        if (state != IDLE) {
            core.unpark(Direction.READ, waiter); // or it is about to run, and finds that there is nothing to do
            core.abandon(Direction.READ);
            state = IDLE;
        }
    }

    /** Takes {@link #stop} back; {@link #goOn} follows. */
    void restart() {
        stopped = false;
    }

    /** A read is parked, which finds out by itself what becomes of the stream. */
    boolean isParked() {
        return state == PARKED;
    }

    /** From any thread: there may be a reason to read on. From a task: the caller may be a callback, of this connection or another. */
    void goOn() {
        loop.tryExecute(turn);
    }

    private void ready() {
        if (stopped || state != PARKED) { // stopped, in the batch of events that has woken it
            return;
        }
        state = PENDING;
        read();
    }

    /** Reads for as long as there are bytes and they are wanted. What is thrown ends the connection: nobody would ever come back to it. */
    void read() {
        try {
            for (int reads = 0; ; reads++) {
                unread.adopt(); // each time, as the callback before may have chosen another
                if (stopped || !input.mayRead()) {
                    break;
                }
                if (reads == READS_A_TURN) {
                    goOn();
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
        idle.unwatchLoopEnd();
        if (state == IDLE) {
            input.startTimeout();
        }
        int count;
        try {
            count = unread.read(state != IDLE);
        } catch (Throwable e) { // the operation has ended
            state = IDLE;
            throw e;
        }
        if (count == Descriptor.PARK) {
            state = PARKED;
            if (core.park(Direction.READ, waiter)) {
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
