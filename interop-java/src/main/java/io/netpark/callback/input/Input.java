package io.netpark.callback.input;

import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.output.Output;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.IdleTimer;
import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;

/**
 * The reading half of a connection: reads whenever that is possible and allowed, into the {@link Inbox}, which has the
 * callback called.
 *
 * <p>Nothing here calls itself: a connection whose socket is always ready is read in a loop, and after
 * {@link #READS_A_TURN} reads the loop's other work goes first.
 */
public final class Input {

    /** Whom this half tells, on the loop, what may end an idle connection while its server shuts down. */
    public interface Owner {

        /** A callback may have been what it was busy with. */
        void mayBeIdle();

        /** A read has been parked, maybe without asking the kernel. */
        void nothingToRead();
    }

    static final int READS_A_TURN = 16;

    /** No read is going on. */
    private static final int IDLE = 0;
    /** A read wants to be retried. */
    private static final int PENDING = 1;
    /** A read is parked: {@link #waiter} is in the slot, or on its way here. */
    private static final int PARKED = 2;

    private final Owner owner;
    private final Ending ending;
    private final IdleTimer idle;
    private final Output output;
    private final Delivery delivery;
    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final PeerEnd end;
    private final ReadTimeout timeout;
    private final Waiter waiter = this::ready;
    private final Runnable turn = this::turn;
    private final Runnable request = this::request;
    private final Unread unread;

    /**
     * Where the read operation of the core stands. Loop's thread only, as is all below but the volatile.
     *
     * <pre>
     *   IDLE --start: EAGAIN--> PARKED --ready--> PENDING --retry: EAGAIN--> PARKED
     *   IDLE --start: bytes---> IDLE              PENDING --retry: bytes---> IDLE
     * </pre>
     *
     * Pausing changes none of these: a read that was parked stays so, and is not retried before reading resumes.
     */
    private int state = IDLE;
    private boolean detached;
    private volatile boolean paused;
    /** Somebody else reads, or is about to. */
    private volatile boolean lent;
    /** Somebody has asked for a call with the unread bytes, and {@link #request} is on its way. */
    private volatile boolean again;
    /** {@link #request} is on its way to tell of what is unread, unless reading is paused when it comes. */
    private volatile boolean due;
    /**
     * There are unread bytes that the callback is to be called with before anything else is read: it has not seen them, as they
     * were read elsewhere, or it has paused at them.
     */
    private volatile boolean untold;
    /** The callback has left messages that are whole, as too much output is pending. */
    private volatile boolean wantsRoom;

    /** @param receiver who is called first */
    public Input(ConnectionDescriptor core, Limits limits, Ending ending, IdleTimer idle, Output output, Delivery delivery,
            UserCallbacks callbacks, Receiver receiver, Owner owner) {
        this.core = core;
        this.loop = core.loop();
        this.ending = ending;
        this.idle = idle;
        this.output = output;
        this.delivery = delivery;
        this.owner = owner;
        this.unread = new Unread(this, core, limits, ending, idle, output, delivery, callbacks, receiver);
        this.end = new PeerEnd(this, core, ending, delivery, callbacks.hasHalfClose());
        this.timeout = new ReadTimeout(this, core, ending, limits.readNanos());
    }

    /** Starts reading, on the loop. */
    public void start() {
        due |= untold && !paused;
        request();
    }

    /** Puts bytes in front of what will be read; before {@link #start}, or while it is lent. */
    public void preload(ByteBuffer bytes) {
        try {
            unread.put(bytes);
            untold = unread.isAny();
        } catch (Throwable e) {
            failed(e);
        }
    }

    // Who is told

    /** From any thread: from the next call on, which comes soon if there are unread bytes. */
    public void receiver(Receiver next) {
        unread.receiver(next);
        requestAgain();
    }

    /** Who is to be called now. From any thread. */
    public Receiver receiver() {
        return unread.receiver();
    }

    // Time

    /** Zero for ever. */
    public void setTimeout(long nanos) {
        timeout.set(nanos);
    }

    public void startTimeout() {
        timeout.start();
    }

    void unexpect() {
        timeout.unexpect();
    }

    void expect() {
        timeout.expect();
    }

    // Stopping and going on

    /** On the loop: stops reading, leaving no operation behind. */
    public void stop() {
        detached = true;
        end.stopWatching();
        if (state != IDLE) {
            core.unpark(Direction.READ, waiter); // or it is about to run, and finds that there is nothing to do
            core.abandon(Direction.READ);
            state = IDLE;
        }
    }

    /** On the loop: takes {@link #stop} back. */
    public void restart() {
        detached = false;
        goOn();
    }

    /**
     * Nothing is read and no callback called with bytes until {@link #giveBack}; at once if the caller is a callback, else one
     * may be running.
     *
     * @return false if it is so already
     */
    public synchronized boolean hold() {
        if (lent) {
            return false;
        }
        lent = true;
        return true;
    }

    public boolean isLent() {
        return lent;
    }

    /**
     * On the loop: takes {@link #hold} and {@link #stop} back.
     *
     * @param first taken out of here and used by nobody: unread again, in front of what is
     * @param ended whoever read has met the end of the stream, and passed it on; also who does not read on now is told
     */
    public void giveBack(LinkBuffer first, boolean ended) {
        if (first.available() > 0 && ending.isOpen()) {
            putInFront(first);
        }
        lent = false;
        noteUntold();
        detached = false;
        if (ended && ending.isOpen()) {
            end.passedOn();
        }
        goOn();
    }

    private void putInFront(LinkBuffer first) {
        try {
            unread.putInFront(first);
        } catch (Throwable e) { // no memory: there would be a hole in what the callbacks see
            failed(e);
        }
    }

    /** From any thread: takes {@link #hold} back, when nothing else has come of it. */
    public void letGo() {
        if (loop.inLoop()) {
            noteUntold(); // before anybody could be told of an end behind that
            lent = false;
            goOn();
        } else {
            loop.tryExecute(this::letGo);
        }
    }

    private void noteUntold() {
        if (hasUnread()) {
            untold = true; // before looking whether it is paused, as resume() looks at this afterwards
            if (!paused) {
                tellUnread();
            }
        }
    }

    /** Takes what is unread, also in the midst of a callback. */
    public byte[] takeUnread() {
        return unread.take();
    }

    /** What is unread, and stays so; also in the midst of a callback. */
    public byte[] copyUnread() {
        return unread.copy();
    }

    public boolean hasUnread() {
        return unread.isAny();
    }

    /** The peer's end of stream has been read. */
    public boolean isEnded() {
        return end.isKnown();
    }

    /** Nothing will come but what callbacks have been called with, or are called with now. On the thread of a callback, above all. */
    public boolean isAtEnd() {
        if (end.isKnown()) {
            return !unread.isOnItsWay();
        }
        try {
            return core.peekInput() == ConnectionDescriptor.END_OF_STREAM && !unread.isOnItsWay(); // in this order
        } catch (NetparkException e) {
            return true; // it has ended otherwise
        }
    }

    /** The callbacks know of the peer's end, and have been shown every byte before it. */
    public boolean isEndTold() {
        return end.isTold();
    }

    /** The callbacks may be told of it, if they are to be called. */
    public boolean mayTellEnd() {
        return end.mayBeTold();
    }

    /** Somebody finds out by itself what becomes of the stream. On the loop. */
    public boolean isReading() {
        return state == PARKED;
    }

    /** A callback is still to be shown what is unread. */
    public boolean isAskedAgain() {
        return again || due || untold || delivery.isWanted(Delivery.AGAIN);
    }

    public boolean isPaused() {
        return paused;
    }

    public void pause() {
        paused = true;
    }

    /**
     * What was left unread comes again, unless it is the callback itself that resumes: it has seen all there is.
     */
    public void resume() {
        boolean asks = paused && !isOwnCallback();
        paused = false;
        if (asks || untold) {
            tellUnread();
            startTimeout();
        } else {
            wantedAgain();
        }
    }

    private boolean isOwnCallback() {
        return delivery.isCurrent() || loop.inLoop() && unread.isDelivering();
    }

    /** In the midst of its call: whether a callback that takes one message after another is to take the next. */
    public boolean goesOn(Object handler) {
        if (!ending.isOpen() || paused || lent || receiver().handler() != handler || output.isToBeClosed()) {
            return false;
        }
        return hasRoom();
    }

    /** In the midst of a call: whether an answer may be written. If not, what the callback leaves comes again as soon as one may. */
    public boolean hasRoom() {
        wantsRoom = !output.isBelowHighWaterMark();
        return !wantsRoom;
    }

    /** Enough of the pending output has been taken. */
    public void roomAgain() {
        if (untold && !paused) {
            tellUnread();
            startTimeout();
        } else {
            wantedAgain();
        }
    }

    /** Whether the stream has ended in the midst of a message. Not in the midst of a callback. */
    public boolean isCutShort() {
        return end.isKnown() && unread.isInMessage();
    }

    /** Ends the connection if that is so, and returns whether it is. */
    public boolean endIfCutShort() {
        if (!isCutShort()) {
            return false;
        }
        ending.end(new NetparkException.Truncated("read from " + core
                + ": the stream has ended in the midst of a message, of which " + unread.size() + " bytes had come"));
        return true;
    }

    /** Bytes were not wanted for a while, and that time is not the peer's. */
    public void wantedAgain() {
        startTimeout();
        goOn();
    }

    /** There may be a reason to read on. From a task: the caller may be a callback, of this connection or another. */
    void goOn() {
        loop.tryExecute(turn);
    }

    public void requestAgain() {
        if (!again) { // two tasks at worst, of which the second finds nothing to do
            again = true;
            try {
                loop.tryExecute(request);
            } catch (Throwable e) { // no memory for the task: whoever asks is told, and may ask again
                again = false;
                throw e;
            }
        }
    }

    /** As {@link #requestAgain}, and whoever pauses before that is not told. */
    private void tellUnread() {
        if (!due) {
            due = true;
            try {
                loop.tryExecute(request);
            } catch (Throwable e) { // as above
                due = false;
                throw e;
            }
        }
    }

    public void release() {
        unread.clear();
        end.release();
    }

    private void ready() {
        if (detached || state != PARKED) { // stopped, in the batch of events that has woken it
            return;
        }
        state = PENDING;
        read();
    }

    // On the loop, from here on. What is thrown ends the connection: nobody would ever come back to it.

    private void turn() {
        try {
            delivery.next();
            goOnReading();
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void request() {
        try {
            if (again) {
                again = false;
                tellNow();
            } else if (due && paused) {
                due = false; // and it is untold still
            } else if (due && delivery.isOut()) { // which may pause
                untold = false;
                delivery.afterCall(request);
            } else if (due) {
                tellNow();
            }
            delivery.next();
            goOnReading(); // it may have made room
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void tellNow() throws NetparkException {
        due = false;
        untold = false;
        deliverAgain();
    }

    /** Whether a callback may still be called with bytes. */
    public boolean mayBeCalled() {
        return ending.isOpen() && !output.isClosingConnection();
    }

    private void deliverAgain() throws NetparkException {
        unread.adopt();
        if (!mayBeCalled() || lent || !unread.isAny()) {
            return;
        }
        boolean full = unread.isFull();
        deliver(false);
        checkLimit();
        if (full) {
            startTimeout();
        }
    }

    private void deliver(boolean fresh) {
        unread.deliver(fresh);
        idle.touch(); // from here on it is the peer's turn
        noteIfStopped();
    }

    /** What a callback has left when it paused, or had no room to answer, comes again when it may, before anything else does. */
    private void noteIfStopped() {
        if (delivery.isOut()) {
            return; // until it has come back
        }
        boolean stopped = wantsRoom;
        wantsRoom = false;
        if ((paused || stopped) && unread.isAnyLeft()) {
            untold = true; // before looking once more, as resume() looks at this afterwards
            if (!paused && !output.isFull()) { // or it is told when it is full no more
                tellUnread();
            }
        }
    }

    // Of workers

    /** How many bytes workers have not been given yet. */
    public long fresh() {
        return unread.inbox().fresh();
    }

    /** A callback that is running waits for bytes. */
    public boolean isAwaited() {
        return unread.isAwaited();
    }

    /** Waits for bytes, within an input callback that a worker runs. */
    public boolean await(long count) throws NetparkException, InterruptedException {
        return unread.inbox().await(count);
    }

    /** A callback that waits for bytes need not any more, if the stream or the connection has ended. */
    public void feed() {
        unread.inbox().feed();
    }

    /** A worker is going to have the bytes. */
    public void handOut() {
        unexpect();
        unread.inbox().handOut();
    }

    /** On a worker: calls the callback with what was handed out. */
    public void callWorker() {
        unread.inbox().call();
    }

    /** A worker has taken what it could. */
    public void taken() {
        unread.inbox().takeBack();
        expect();
        idle.touch();
        if (ending.isOpen()) {
            noteIfStopped();
            checkLimit();
            turn();
        }
    }

    private void goOnReading() {
        if (state != PARKED) {
            read();
        } else {
            owner.mayBeIdle(); // a callback may have been what it was busy with
        }
    }

    private boolean mayRead() {
        return mayBeCalled() && !output.isFull() && !end.isKnown() && !paused && !detached && !untold && (!lent || unread.isAwaited())
                && !unread.isFull() && !delivery.isWaiting();
    }

    private void read() {
        try {
            for (int reads = 0; ; reads++) {
                unread.adopt(); // each time, as the callback before may have chosen another
                if (!mayRead()) {
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
            if (!detached) {
                end.tellIfDue();
            }
            if (ending.isOpen()) {
                idle.listenForLoopEnd();
                if (!detached && !lent) {
                    end.watch();
                }
            }
        } catch (Throwable e) {
            failed(e);
        }
    }

    /** Returns false if there is nothing more to be done for now. */
    private boolean readOnce() throws NetparkException {
        idle.reading();
        if (state == IDLE) {
            startTimeout();
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
                owner.nothingToRead();
                return false;
            }
            state = PENDING;
        } else if (count == ConnectionDescriptor.END_OF_STREAM) {
            state = IDLE;
            end.found();
        } else {
            state = IDLE;
            deliver(true);
            checkLimit();
        }
        return true;
    }

    private void failed(Throwable e) {
        if (e instanceof NetparkException failure) {
            ending.end(failure);
        } else {
            ending.failed("reading failed", e);
        }
    }

    /** Who asks again, or was replaced, is going to take more. */
    private void checkLimit() {
        if (!isAskedAgain()) {
            unread.checkLimit();
        }
    }
}
