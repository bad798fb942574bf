package io.netpark.callback;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The life of a connection, as its callbacks are told of it: from prepare to the last close callback. */
final class Life {

    private static final VarHandle ENDING;
    private static final VarHandle EXCHANGES;
    private static final VarHandle ANSWERING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            ENDING = lookup.findVarHandle(Life.class, "ending", Object.class);
            EXCHANGES = lookup.findVarHandle(Life.class, "exchanges", int.class);
            ANSWERING = lookup.findVarHandle(Life.class, "answering", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The value of {@link #ending} for an end without a cause. */
    private static final Object NORMAL = new Object();
    /** The cause where there is no memory for another. */
    private static final NetparkException.Closed WORDLESS =
            new NetparkException.Closed("closed here, because something was thrown on its behalf; it has been reported");

    private final CallbackConnection connection;
    private final Callbacks callbacks;
    private final EventLoop loop;
    /** Null if callbacks run on the loop. */
    private final @Nullable WorkerCalls calls;
    private final CloseCallbacks closeCallbacks = new CloseCallbacks();
    /** Made in time: when it is needed there may be no memory. */
    private final Runnable ended = this::ended;

    /**
     * <pre>
     *   null (open) --end(), once, from any thread--> NORMAL or the cause: the socket is closed
     *     --a task on the loop--> disconnect runs --no worker is in a callback--> close callbacks run
     * </pre>
     */
    private volatile @Nullable Object ending;
    /** What is in progress though no callback runs: requests that are being answered, and copies. */
    private volatile int exchanges;
    /** Those of them for which this side is at work, and the peer waits. */
    private volatile int answering;
    /** Who goes on with the socket, told whether every byte has been taken; null if it ends with this. Loop's thread only. */
    private @Nullable Consumer<Boolean> successor;
    private @Nullable ArrayDeque<Runnable> afterCall;
    /** It has not been refused, so {@link Callbacks#disconnect} and {@link Callbacks#close} are due. Loop's thread only. */
    private boolean accepted;

    Life(CallbackConnection connection) {
        this.connection = connection;
        this.callbacks = connection.callbacks;
        this.loop = connection.loop();
        this.calls = connection.calls;
    }

    boolean isOpen() {
        return ending == null;
    }

    // The beginning

    /** On the loop, once: tells of the connection, first the callback and then {@code also}, and starts reading. */
    void start(Runnable also) {
        if (!isOpen() || !prepare()) {
            also.run();
            return;
        }
        accepted = true;
        connection.idle.start();
        if (calls != null) {
            connection.idle.listenForLoopEnd(); // nothing is parked before the callback has returned
            calls.connect(also);
            return;
        }
        call("onConnect", callbacks.connect);
        also.run();
        connection.input.start();
    }

    private boolean prepare() {
        if (callbacks.prepare == null) {
            return true;
        }
        try {
            if (callbacks.prepare.prepare(connection)) {
                return isOpen();
            }
            end(null);
        } catch (Throwable e) {
            callbackFailed("onPrepare", e);
        }
        return false;
    }

    void call(String name, ConnectionHandler handler) {
        try {
            handler.handle(connection);
        } catch (Throwable e) {
            callbackFailed(name, e);
        }
    }

    /** The kernel has taken enough of what was pending. */
    void tellWritable() {
        if (calls != null) {
            calls.turns().want(Turns.WRITABLE);
        } else {
            call("onWritable", callbacks.writable);
        }
    }

    /** The end of the stream has been read: a worker that waits for more need not. */
    void endRead() {
        if (calls != null) {
            calls.inbox().feed();
        }
    }

    /** The end of the stream has been read, and every byte before it delivered, or handed to the workers. */
    void peerHasEnded() {
        if (calls != null) {
            calls.turns().want(Turns.HALF_CLOSE);
        } else {
            callHalfClose();
            halfCloseTold();
        }
    }

    void callHalfClose() {
        if (callbacks.halfClose != null) {
            call("onHalfClose", callbacks.halfClose);
        }
    }

    void halfCloseTold() {
        if (callbacks.halfClose == null) {
            connection.closeAfterWrites();
        } else {
            endIfBothHalvesHave();
        }
    }

    /** A callback that had to wait may be due. */
    void nextCall() {
        if (calls != null) {
            calls.turns().next();
        }
    }

    /** Runs something, as a task of the loop, when the callback that a worker is running now has returned. On the loop. */
    void afterCall(Runnable action) {
        ArrayDeque<Runnable> actions = afterCall;
        if (actions == null) {
            actions = afterCall = new ArrayDeque<>(1);
        }
        actions.add(action);
    }

    /** On the loop: a worker's callback has returned. */
    void callReturned() {
        ArrayDeque<Runnable> actions = afterCall;
        afterCall = null;
        while (actions != null && !actions.isEmpty()) {
            OneByOne.onLoop(loop, actions.remove()); // if it has ended, so has the connection, and this only says so
        }
    }

    /** Whether a worker has a callback in its hands. */
    boolean isCalling() {
        return calls != null && calls.turns().isOut();
    }

    /** Whether a callback that was wanted because there is room to write is wanted still. */
    boolean isWritableCallbackDue() {
        return isOpen() && !connection.output.isClosing();
    }

    // Being idle, when the server shuts down

    Exchange beginExchange() {
        Exchange begun = new Exchange(this, true);
        EXCHANGES.getAndAdd(this, 1);
        ANSWERING.getAndAdd(this, 1);
        return begun;
    }

    /** Bytes are copied: not idle for who shuts down, and waiting for the peer all the same. */
    Exchange beginCopy() {
        Exchange begun = new Exchange(this, false);
        EXCHANGES.getAndAdd(this, 1);
        return begun;
    }

    void endExchange(boolean answering) {
        if (answering) {
            connection.idle.touch(); // it is the peer's turn from now on
            ANSWERING.getAndAdd(this, -1);
        }
        EXCHANGES.getAndAdd(this, -1);
        mayBeIdle();
    }

    /** On the loop: the peer waits for this side, and not the other way round. */
    boolean isAtWork() {
        return answering > 0 || calls != null && calls.turns().isOut() && !calls.inbox().isAwaited();
    }

    /** Something that kept it busy has ended; from any thread, and in the midst of a callback. */
    void mayBeIdle() {
        if (connection.owner.isClosingIdle()) {
            loop.tryExecute(this::endIfIdle);
        }
    }

    /** On the loop: nothing is being asked, answered or told. A peer that has ended its stream waits for an answer still. */
    private boolean isIdle() {
        return exchanges == 0 && !connection.input.isPaused() && !isCalling() && !connection.input.hasUnread()
                && !connection.input.isEnded() && connection.output.pendingBytes() == 0;
    }

    /** On the loop, when draining: asks the socket first, as there may be a request that the poller has not told of yet. */
    void endIfIdle() {
        if (isIdle()) {
            connection.input.look();
        }
    }

    /** On the loop: the socket has just been asked, and has nothing. */
    void nothingToRead() {
        if (connection.owner.isClosingIdle() && isIdle()
                && end(new NetparkException.Closed(connection + ": closed here, idle, as the server shuts down"))) {
            connection.owner.endedIdle();
        }
    }

    // The end

    void onClose(CloseHandler handler) {
        if (!closeCallbacks.add(handler) && (loop.inLoop() || !loop.tryExecute(() -> runCloseCallback(handler)))) {
            runCloseCallback(handler);
        }
    }

    /**
     * Ends the connection, from any thread; the first one who does, says why.
     *
     * @return whether that was this call
     */
    boolean end(@Nullable NetparkException cause) {
        if (!ENDING.compareAndSet(this, null, cause == null ? NORMAL : cause)) {
            return false;
        }
        try {
            connection.core.close();
        } finally {
            OneByOne.onLoop(loop, ended); // always as a task: whoever is calling may be in the midst of a callback
        }
        return true;
    }

    /**
     * Ends it for its callbacks and not for its socket, with which somebody else goes on. On the loop, when nothing is pending
     * and reading has been stopped.
     *
     * @param successor called on the loop when the last callback has returned
     * @return false if it has ended already
     */
    boolean handOver(Consumer<Boolean> successor) {
        if (!ENDING.compareAndSet(this, null, NORMAL)) {
            return false;
        }
        this.successor = successor;
        ended();
        return true;
    }

    /** Whether nothing of an exchange is left. On the loop. */
    boolean isClean() {
        return exchanges == 0 && !connection.input.hasUnread() && !connection.input.isEnded()
                && connection.output.pendingBytes() == 0 && !connection.output.isClosing();
    }

    /** The peer has nothing more to say, and has been told that neither have we. */
    void endIfBothHalvesHave() {
        if (connection.input.isEndTold() && connection.output.isShutDown()) {
            end(null);
        }
    }

    private void ended() {
        connection.output.release();
        connection.idle.stop();
        if (accepted) {
            runCloseCallback(callbacks.disconnect);
        }
        if (calls != null) {
            calls.end(this::closed);
        } else {
            closed();
        }
    }

    /** No callback is running, or will be but these. */
    private void closed() {
        boolean allTaken = !connection.input.hasUnread();
        connection.input.release();
        closeCallbacks.runAll(this::runCloseCallback);
        if (accepted) {
            runCloseCallback(callbacks.close);
        }
        connection.owner.remove(connection);
        if (successor != null) {
            successor.accept(allTaken);
        }
        callReturned();
    }

    private void runCloseCallback(CloseHandler handler) {
        try {
            handler.closed(connection, cause());
        } catch (Throwable e) {
            loop.report("A close callback of " + connection + " threw; the others run nevertheless", e);
        }
    }

    private @Nullable NetparkException cause() {
        return ending instanceof NetparkException cause ? cause : null;
    }

    /**
     * A callback threw: reported, unless all it says is that the connection has been closed meanwhile, and that was not
     * its fault.
     */
    void callbackFailed(String callback, Throwable thrown) {
        failed("its " + callback + " callback threw", thrown);
    }

    /**
     * Something was thrown on behalf of this connection, and nobody would go on with it: it ends, with a report. Throws nothing,
     * and finds words only where there is memory for them.
     */
    void failed(String because, Throwable thrown) {
        NetparkException.Closed cause = WORDLESS;
        try {
            cause = new NetparkException.Closed(connection + ": closed here, because " + because);
            cause.initCause(thrown);
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        try {
            if (end(cause) || !(thrown instanceof NetparkException.Closed)) {
                report(because, thrown);
            }
        } catch (Throwable noMemory) {
            // It has ended, and who reports has done what it could.
        }
    }

    private void report(String because, Throwable thrown) {
        String what = "A connection was closed, because something was thrown on its behalf";
        try {
            what = connection + ": " + because + "; the connection is closed";
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        loop.report(what, thrown);
    }

    /** The exception for an operation that comes too late. */
    NetparkException.Closed closed(String operation) {
        NetparkException cause = cause();
        NetparkException.Closed closed = new NetparkException.Closed(
                operation + " " + connection + ": closed " + (cause == null ? "here" : "because of " + cause.getMessage()));
        if (cause != null) {
            closed.initCause(cause);
        }
        return closed;
    }
}
