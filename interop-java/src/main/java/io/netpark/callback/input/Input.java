package io.netpark.callback.input;

import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.delivery.OnWorkers;
import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.output.Output;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.Idling;
import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The reading half of a connection: reads whenever that is possible and allowed ({@link Reading}), into the {@link Inbox}, which has
 * the callback called, and again with what it has left, if there is a reason ({@link UntoldBytes}).
 */
public final class Input implements Runnable {

    /** Whom this half tells, on the loop, what may end an idle connection while its server shuts down. */
    public interface Owner {

        /** A callback may have been what it was busy with. */
        void mayBeIdle();

        /** A read has been parked, maybe without asking the kernel. */
        void nothingToRead();
    }

    // The surroundings, for its parts as well: one reference to this costs each of them less memory than one to each of these.
    final ConnectionDescriptor core;
    final Limits limits;
    final Ending ending;
    final Idling idle;
    final Output output;
    final Delivery delivery;
    final UserCallbacks callbacks;
    final Unread unread;

    private final Owner owner;
    private final PeerEnd end;
    /** Made for the first time limit; with workers at once, as it has to know when these are at the bytes. Null costs nothing. */
    private volatile @Nullable ReadTimeout timeout;
    private final Reading reading;
    private final UntoldBytes untold;

    private volatile boolean paused;
    /** Somebody else reads, or is about to. */
    private volatile boolean lent;

    /** @param receiver who is called first */
    public Input(ConnectionDescriptor core, Limits limits, Ending ending, Idling idle, Output output, Delivery delivery,
            UserCallbacks callbacks, Receiver receiver, Owner owner) {
        this.core = core;
        this.limits = limits;
        this.ending = ending;
        this.idle = idle;
        this.output = output;
        this.delivery = delivery;
        this.callbacks = callbacks;
        this.owner = owner;
        this.unread = new Unread(this, receiver);
        this.reading = new Reading(this);
        this.untold = new UntoldBytes(this);
        this.end = new PeerEnd(this);
        this.timeout = limits.readNanos() > 0 || delivery instanceof OnWorkers ? new ReadTimeout(this, limits.readNanos()) : null;
    }

    EventLoop loop() {
        return core.loop();
    }

    /** Starts reading, on the loop. */
    public void start() {
        untold.start();
    }

    /** Puts bytes in front of what will be read; before {@link #start}, or while it is lent. */
    public void preload(ByteBuffer bytes) {
        try {
            unread.put(bytes);
            untold.preloaded();
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
        if (timeout != null || nanos > 0) {
            madeTimeout().set(nanos);
        }
    }

    private synchronized ReadTimeout madeTimeout() {
        ReadTimeout known = timeout;
        if (known == null) {
            known = timeout = new ReadTimeout(this, 0);
        }
        return known;
    }

    public void startTimeout() {
        ReadTimeout known = timeout;
        if (known != null) {
            known.start();
        }
    }

    void unexpect() {
        ReadTimeout known = timeout;
        if (known != null) {
            known.unexpect();
        }
    }

    void expect() {
        ReadTimeout known = timeout;
        if (known != null) {
            known.expect();
        }
    }

    // Stopping and going on

    /** On the loop: stops reading, leaving no operation behind. */
    public void stop() {
        end.stopWatching();
        reading.stop();
    }

    /** On the loop: takes {@link #stop} back. */
    public void restart() {
        reading.restart();
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
        untold.note();
        reading.restart();
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
        if (loop().inLoop()) {
            untold.note(); // before anybody could be told of an end behind that
            lent = false;
            goOn();
        } else {
            loop().tryWake(this::letGo);
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

    /**
     * Nothing will come but what callbacks have been called with, or are called with now. On the thread of a callback, above all. With TLS
     * the kernel does not know, and to look is to read, which only the loop may do.
     */
    public boolean isAtEnd() {
        if (end.isKnown()) {
            return !unread.isOnItsWay();
        }
        if (core.hasTls() && !loop().inLoop()) {
            return false;
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

    /** What there is to read, while nothing is read. On the loop. */
    int peek() throws NetparkException {
        return reading.peek();
    }

    /** Somebody finds out by itself what becomes of the stream. On the loop. */
    public boolean isReading() {
        return reading.isParked();
    }

    /** A callback is still to be shown what is unread. */
    public boolean isAskedAgain() {
        return untold.isAskedAgain();
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
        if (asks || untold.areAny()) {
            untold.tell();
            startTimeout();
        } else {
            wantedAgain();
        }
    }

    private boolean isOwnCallback() {
        return delivery.isCurrent() || loop().inLoop() && unread.isDelivering();
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
        return untold.hasRoom();
    }

    /** Enough of the pending output has been taken. */
    public void roomAgain() {
        if (untold.areAny() && !paused) {
            untold.tell();
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

    /** From any thread: there may be a reason to read on. In a task, as the caller may be a callback of any connection. */
    void goOn() {
        loop().tryWake(this); // without memory for a task, too: nothing else would
    }

    /** From any thread: has the callback called with what is unread, also while reading is paused. */
    public void requestAgain() {
        untold.requestAgain();
    }

    public void release() {
        unread.clear();
        end.release();
    }

    // On the loop, from here on

    /** The task of {@link #goOn}. */
    @Override
    public void run() {
        turn();
    }

    /** Goes on with what has become possible. What is thrown ends the connection: nobody would ever come back to it. */
    void turn() {
        try {
            delivery.next();
            if (reading.isParked()) {
                owner.mayBeIdle(); // a callback may have been what it was busy with
            } else {
                reading.read();
            }
        } catch (Throwable e) {
            failed(e);
        }
    }

    /** Whether a callback may still be called with bytes. */
    public boolean mayBeCalled() {
        return ending.isOpen() && !output.isClosingConnection();
    }

    boolean mayRead() {
        return mayBeCalled() && !output.isFull() && !end.isKnown() && !paused && !untold.areAny() && (!lent || unread.isAwaited())
                && !unread.isFull() && !delivery.isWaiting();
    }

    /** Bytes have been read. */
    void arrived() {
        untold.deliver(true);
        untold.checkLimit();
    }

    /** The end of the stream has been read. */
    void endFound() {
        end.found();
    }

    void nothingToRead() {
        owner.nothingToRead();
    }

    /** Nothing is read for now. */
    void readingRests(boolean stopped) {
        if (!stopped) {
            end.tellIfDue();
        }
        if (ending.isOpen()) {
            idle.watchLoopEnd();
            if (!stopped && !lent) {
                end.watch();
            }
        }
    }

    void failed(Throwable e) {
        if (e instanceof NetparkException failure) {
            ending.end(failure);
        } else {
            ending.failed("reading failed", e);
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
            untold.noteIfStopped();
            untold.checkLimit();
            turn();
        }
    }
}
