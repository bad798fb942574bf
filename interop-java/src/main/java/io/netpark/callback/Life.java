package io.netpark.callback;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.report.PeerFault;
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

    /** In bytes, of a peer that sends on though it is told that nobody reads. */
    private static final long MOST_THROWN_AWAY = 64L << 20;

    private final CallbackConnection connection;
    private final Callbacks callbacks;
    private final EventLoop loop;
    /** Null if callbacks run on the loop. */
    private final @Nullable WorkerCalls calls;
    private final CloseCallbacks closeCallbacks = new CloseCallbacks();
    private final Failures failures;
    /** Made in time: when it is needed there may be no memory. */
    private final Runnable ended = this::ended;

    /**
     * <pre>
     *   null (open) --end(), once, from any thread--> NORMAL or the cause: the socket is closed
     *     --a task on the loop--> disconnect runs --no worker is in a callback--> close callbacks run
     * </pre>
     */
    private volatile @Nullable Object ending;
    /** What was thrown and has ended it, and where; null if it has ended otherwise. Written before the task that tells of it is. */
    private @Nullable Throwable thrown;
    private String because = "";
    /** What is in progress though no callback runs: requests that are being answered, and copies. */
    private volatile int exchanges;
    /** Those of them for which this side is at work, and the peer waits. */
    private volatile int answering;
    /** Who goes on with the socket, told whether every byte has been taken; null if it ends with this. Loop's thread only. */
    private @Nullable Consumer<Boolean> successor;
    private @Nullable ArrayDeque<Runnable> afterCall;
    /** Made when the server shuts down. Loop's thread only. */
    private @Nullable Drain drain;
    /** It has not been refused, so {@link Callbacks#disconnect} and {@link Callbacks#close} are due. Loop's thread only. */
    private boolean accepted;

    Life(CallbackConnection connection) {
        this.connection = connection;
        this.callbacks = connection.callbacks;
        this.loop = connection.loop();
        this.calls = connection.calls;
        this.failures = new Failures(connection);
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
        } finally {
            EventLoop.leaveUserCode();
        }
        return false;
    }

    void call(String name, ConnectionHandler handler) {
        try {
            handler.handle(connection);
        } catch (Throwable e) {
            callbackFailed(name, e);
        } finally {
            EventLoop.leaveUserCode();
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
        } else if (!connection.input.endIfCutShort()) {
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

    /** Whether a callback waits until there is a worker for it, and nothing is to be read meanwhile. */
    boolean waitsForWorker() {
        return calls != null && calls.turns().isWaiting();
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

    boolean hasExchanges() {
        return exchanges > 0;
    }

    /** On the loop, when draining. */
    void endIfIdle() {
        Drain known = drain;
        if (known == null) {
            known = drain = new Drain(connection);
        }
        known.endIfIdle();
    }

    /** On the loop: a read has been parked, maybe without asking the kernel. */
    void nothingToRead() {
        if (connection.owner.isClosingIdle()) {
            endIfIdle();
        }
    }

    // The end

    void onClose(CloseHandler handler) {
        if (!closeCallbacks.add(handler) && (loop.inLoop() || !loop.tryExecute(() -> runCloseCallback(handler)))) {
            runCloseCallback(handler);
        }
    }

    /**
     * Ends the connection, from any thread; the first one who does, says why. If output is pending, its peer finds a reset: what it
     * has got is not all.
     *
     * @return whether that was this call
     */
    boolean end(@Nullable NetparkException cause) {
        return end(cause, connection.output.pendingBytes() > 0, 0);
    }

    /** As {@link #end}, when what is in progress will not come to its end: then its peer finds a reset. */
    boolean cutOff(NetparkException cause) {
        return end(cause, exchanges > 0 || isCalling() || connection.output.pendingBytes() > 0, 0);
    }

    /** As {@link #end}, and its peer finds a reset, whatever is pending: what it has got is not all. */
    boolean reset(@Nullable NetparkException cause) {
        return end(cause, true, 0);
    }

    /**
     * As {@link #end}, when everything has been written: what is on its way to the peer gets there, though the peer sends.
     *
     * @param lingerNanos how long the peer has to end its stream; 0 not to wait for that
     */
    boolean endOrderly(@Nullable NetparkException cause, long lingerNanos) {
        return end(cause, false, lingerNanos);
    }

    private boolean end(@Nullable NetparkException cause, boolean reset, long lingerNanos) {
        return end(cause, reset, lingerNanos, "", null);
    }

    private boolean end(
            @Nullable NetparkException cause, boolean reset, long lingerNanos, String because, @Nullable Throwable thrown) {
        if (!ENDING.compareAndSet(this, null, cause == null ? NORMAL : cause)) {
            return false;
        }
        this.because = because;
        this.thrown = thrown;
        try {
            if (reset) {
                connection.core.reset();
            } else if (lingerNanos > 0) {
                connection.core.closeLingering(MOST_THROWN_AWAY, lingerNanos);
            } else {
                connection.core.close();
            }
        } finally {
            OneByOne.onLoop(loop, ended); // always as a task: whoever is calling may be in the midst of a callback
        }
        if (cause != null) {
            count(cause);
        }
        return true;
    }

    /** Of what the peer does to its own connection it is enough to know how often. */
    private void count(NetparkException cause) {
        if (isByOwnPeer(cause)) {
            loop.countIfByPeer(cause);
        }
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
        boolean told = connection.input.isEndTold() && (calls == null || !calls.turns().isWanted(Turns.HALF_CLOSE));
        if (told && connection.output.isShutDown()) {
            endOrderly(null, 0);
        }
    }

    /** Whatever is thrown, what follows is done: whoever closes the server or client waits for it. */
    private void ended() {
        try {
            connection.output.release();
        } finally {
            connection.idle.stop();
            NetparkException cause = cause();
            if (thrown != null) {
                failures.ended(because, thrown);
            } else if (cause != null) {
                failures.ended(cause);
            }
            if (accepted) {
                runCloseCallback(callbacks.disconnect);
            }
            if (calls != null) {
                calls.end(this::closed);
            } else {
                closed();
            }
        }
    }

    /** No callback is running, or will be but these. */
    private void closed() {
        boolean allTaken = !connection.input.hasUnread();
        try {
            connection.input.release();
            closeCallbacks.runAll(this::runCloseCallback);
            if (accepted) {
                runCloseCallback(callbacks.close);
            }
        } finally {
            connection.owner.remove(connection);
            if (successor != null) {
                successor.accept(allTaken);
            }
            callReturned();
        }
    }

    private void runCloseCallback(CloseHandler handler) {
        try {
            handler.closed(connection, cause());
        } catch (Throwable e) {
            failures.thrown("a close callback of it threw; the others run nevertheless", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    private @Nullable NetparkException cause() {
        return ending instanceof NetparkException cause ? cause : null;
    }

    /**
     * A callback threw: told as a failure, unless all it says is what has become of this very connection, by its peer or meanwhile; that is
     * the cause of the end, then.
     */
    void callbackFailed(String callback, Throwable thrown) {
        if (thrown instanceof NetparkException failure && isByOwnPeer(failure)) {
            end(failure);
        } else {
            failed("its " + callback + " callback threw", thrown);
        }
    }

    /** What says nothing of whom it is about comes from a reader: of this connection. */
    private boolean isByOwnPeer(NetparkException thrown) {
        if (PeerFault.of(thrown) == null) {
            return false;
        }
        thrown.setAbout(connection.core);
        return thrown.isAbout(connection.core);
    }

    /**
     * Something was thrown on behalf of this connection, and nobody would go on with it: it ends, and that is told, unless all it
     * says is that this connection has ended before. Throws nothing, and finds words only where there is memory for them.
     */
    void failed(String because, Throwable thrown) {
        failed(because, thrown, connection.output.pendingBytes() > 0);
    }

    /** As {@link #failed}, in the midst of output: its peer finds a reset. */
    void brokeOff(String because, Throwable thrown) {
        failed(because, thrown, true);
    }

    private void failed(String because, Throwable thrown, boolean reset) {
        NetparkException.Closed cause = WORDLESS;
        String what = "something was thrown on its behalf";
        try {
            what = because + "; the connection is closed";
            cause = new NetparkException.Closed(connection + ": closed here, because " + because);
            cause.initCause(thrown);
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        try {
            if (!end(cause, reset, 0, what, thrown)
                    && !(thrown instanceof NetparkException.Closed closed && closed.isAbout(connection.core))) {
                failures.thrown(what, thrown);
            }
        } catch (Throwable noMemory) {
            // It has ended, and who reports has done what it could.
        }
    }

    /** The exception for an operation that comes too late. */
    NetparkException.Closed closed(String operation) {
        NetparkException cause = cause();
        NetparkException.Closed closed = new NetparkException.Closed(
                operation + " " + connection + ": closed " + (cause == null ? "here" : "because of " + cause.getMessage()));
        closed.setAbout(connection.core);
        if (cause != null) {
            closed.initCause(cause);
        }
        return closed;
    }
}
