package io.netpark.callback.lifecycle;

import io.netpark.callback.delivery.Crew;
import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.delivery.OnLoop;
import io.netpark.callback.delivery.OnWorkers;
import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.input.Input;
import io.netpark.callback.output.Output;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.Idling;
import io.netpark.callback.state.Limits;
import io.netpark.callback.state.StateOwner;
import io.netpark.core.fd.Attendant;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.HandshakeWait;
import io.netpark.core.pool.PoolLease;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A connection below its users' interface: composes its halves, and lives from the prepare callback to the last close callback.
 *
 * <p>Each half knows what is below it, and speaks to this one through the interface that it declares; this one speaks to the
 * callbacks through {@link UserCallbacks}.
 */
public final class Lifecycle implements StateOwner, Output.Owner, Input.Owner, Attendant {

    private static final Failures FAILURES = new Failures();
    private static final VarHandle EXCHANGES;
    private static final VarHandle ANSWERING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            EXCHANGES = lookup.findVarHandle(Lifecycle.class, "exchanges", int.class);
            ANSWERING = lookup.findVarHandle(Lifecycle.class, "answering", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final ConnectionDescriptor core;
    private final Connections owner;
    private final UserCallbacks callbacks;
    private final Ending ending;
    private final Idling idle;
    private final Output output;
    private final Delivery delivery;
    private final ConnectionCalls calls;
    private final Input input;
    private final CloseCallbacks closeCallbacks = new CloseCallbacks();

    /** What is in progress though no callback runs: requests that are being answered, and copies. */
    private volatile int exchanges;
    /** Those of them for which this side is at work, and the peer waits. */
    private volatile int answering;
    /** Its lease is over, though a callback may still be running. */
    private volatile boolean givenBack;
    /** Who goes on with the socket, told whether every byte has been taken; null if it ends with this. Loop's thread only. */
    private @Nullable Consumer<Boolean> successor;
    /** Made when the server shuts down. Loop's thread only. */
    private @Nullable Drain drain;
    /** The connection has not been refused, so the disconnect and close callbacks are due. Loop's thread only. */
    private boolean accepted;

    /**
     * @param crew who runs the callbacks; null for the event loop
     * @param owner the connections that this one is among
     * @param receiver who is told of bytes first
     */
    public Lifecycle(ConnectionDescriptor core, Limits limits, @Nullable Crew crew, Connections owner, UserCallbacks callbacks,
            Receiver receiver) {
        this.core = core;
        this.owner = owner;
        this.callbacks = callbacks;
        this.ending = new Ending(core, this);
        this.idle = new Idling(ending, limits.idleNanos());
        this.output = new Output(core, limits, ending, idle, this);
        this.calls = new ConnectionCalls(this, crew);
        this.delivery = crew == null ? new OnLoop(calls) : new OnWorkers(core, owner, calls, crew);
        this.input = new Input(core, limits, ending, idle, output, delivery, callbacks, receiver, this);
        core.setAttendant(this);
    }

    // What it is made of

    public ConnectionDescriptor core() {
        return core;
    }

    public EventLoop loop() {
        return core.loop();
    }

    public Limits limits() {
        return output.limits();
    }

    public Ending ending() {
        return ending;
    }

    public Idling idle() {
        return idle;
    }

    public Input input() {
        return input;
    }

    public Output output() {
        return output;
    }

    public Delivery delivery() {
        return delivery;
    }

    UserCallbacks callbacks() {
        return callbacks;
    }

    /** The connections that this one is among. */
    public Connections owner() {
        return owner;
    }

    public boolean isOpen() {
        return ending.isOpen();
    }

    /** Whether it is open, and still its borrower's, if it was borrowed. From any thread. */
    public boolean isUsable() {
        return !givenBack && ending.isOpen();
    }

    /** Its lease is over: nothing more can be done with it. From any thread. */
    public void giveBack() {
        givenBack = true;
    }

    @Override
    public String toString() {
        return core.toString();
    }

    // For somebody who looks

    @Override
    public long pendingOutput() {
        return output.pendingBytes();
    }

    @Override
    public @Nullable String handler() {
        Object handler = input.receiver().handler();
        return handler == null ? null : handler.getClass().getName();
    }

    // The beginning

    /** On the loop, once: tells of the connection, first the callback and then {@code also}, and starts reading. */
    public void start(Runnable also) {
        occupyLoop();
        if (!isOpen() || !prepare()) {
            also.run();
            return;
        }
        accepted = true;
        idle.start();
        calls.connect(delivery, also);
        if (delivery.isOut() || delivery.isWanted(Delivery.CONNECT)) {
            idle.watchLoopEnd(); // nothing is parked before the callback has returned
        }
    }

    /**
     * As {@link #start}, of a connection that was accepted. If it has TLS, it starts when the handshake is over. One that fails has been
     * reported by the core, and there is nobody who knows of the connection.
     */
    public void startAccepted() {
        if (!core.hasTls()) {
            start(() -> {});
            return;
        }
        new HandshakeWait(core) {
            @Override
            protected void established() {
                start(() -> {});
            }

            @Override
            protected void failed(Throwable why) {
                if (why instanceof NetparkException) {
                    ending.endOrderly(null, 0);
                } else { // no memory, say
                    ending.failed("its TLS handshake could not be waited for", why);
                }
            }
        }.begin();
    }

    /** What callbacks do in this action has a name, also if it was not this connection's readiness that has woken the loop. */
    private void occupyLoop() {
        if (loop().inLoop()) {
            loop().setOccupation(core);
        }
    }

    private boolean prepare() {
        try {
            if (callbacks.prepare()) {
                return isOpen();
            }
            ending.end(null);
        } catch (Throwable e) {
            ending.callbackFailed("onPrepare", e);
        } finally {
            EventLoop.leaveUserCode();
        }
        return false;
    }

    // What the halves tell

    @Override
    public void hasRoom(boolean mayBeWritten) {
        if (mayBeWritten) {
            delivery.want(Delivery.WRITABLE);
        }
        input.roomAgain();
    }

    @Override
    public boolean isInputEnded() {
        return input.isEnded();
    }

    @Override
    public void outputShutDown() {
        endIfBothHalvesHave();
    }

    @Override
    public boolean hasPendingOutput() {
        return output.pendingBytes() > 0;
    }

    /** The peer has nothing more to say, and has been told that neither have we. */
    void endIfBothHalvesHave() {
        if (input.isEndTold() && !delivery.isWanted(Delivery.HALF_CLOSE) && output.isShutDown()) {
            ending.endOrderly(null, 0);
        }
    }

    // Being idle, when the server shuts down

    /** A request is being answered, until {@link #endExchange}. From any thread. */
    public void beginExchange() {
        EXCHANGES.getAndAdd(this, 1);
        ANSWERING.getAndAdd(this, 1);
    }

    public void endExchange() {
        idle.touch(); // it is the peer's turn from now on
        ANSWERING.getAndAdd(this, -1);
        endCopy();
    }

    /** Bytes are copied: not idle for who shuts down, and waiting for the peer all the same. From any thread, until {@link #endCopy}. */
    public void beginCopy() {
        EXCHANGES.getAndAdd(this, 1);
    }

    public void endCopy() {
        EXCHANGES.getAndAdd(this, -1);
        mayBeIdle();
    }

    @Override
    public boolean isAtWork() {
        return answering > 0 || delivery.isOut() && !input.isAwaited();
    }

    /** Something that kept it busy has ended; from any thread, and in the midst of a callback. */
    @Override
    public void mayBeIdle() {
        if (owner.isClosingIdle()) {
            loop().tryExecute(this::endIfIdle);
        }
    }

    boolean hasExchanges() {
        return exchanges > 0;
    }

    /** On the loop, when draining. */
    void endIfIdle() {
        Drain known = drain;
        if (known == null) {
            known = drain = new Drain(this);
        }
        known.endIfIdle();
    }

    @Override
    public void nothingToRead() {
        if (owner.isClosingIdle()) {
            endIfIdle();
        }
    }

    // The end

    /** Adds what is to be run when the connection is closed; at once if it has been. */
    public void onClose(CloseAction action) {
        if (!closeCallbacks.add(action) && (loop().inLoop() || !loop().tryExecute(() -> runCloseCallback(action)))) {
            runCloseCallback(action);
        }
    }

    /** Ends it; what is in progress will not come to its end, and then its peer finds a reset. Returns whether that was this call. */
    boolean cutOff(NetparkException cause) {
        boolean inProgress = exchanges > 0 || delivery.isOut() || hasPendingOutput();
        return inProgress ? ending.reset(cause) : ending.endOrderly(cause, 0);
    }

    /** On the loop, as a task: ends this, and gives the socket back if nothing of an exchange is left. */
    public void release(PoolLease lease) {
        release(clean -> {
            if (clean) {
                lease.giveBack();
            } else {
                lease.discard();
            }
        });
    }

    /** On the loop, as a task: ends this and not its socket; {@code next} learns whether nothing of an exchange was left. */
    public void release(Consumer<Boolean> next) {
        if (isOpen() && delivery.isOut()) {
            delivery.afterCall(() -> release(next));
            return;
        }
        if (!isOpen() || !isClean()) {
            ending.end(null);
            next.accept(false);
            return;
        }
        input.stop();
        if (ending.endWithoutSocket()) {
            successor = next;
            ended();
        } else {
            next.accept(false);
        }
    }

    private boolean isClean() {
        return exchanges == 0 && !input.hasUnread() && !input.isEnded() && output.pendingBytes() == 0 && !output.isClosing()
                && !core.isCutOffByEnd();
    }

    /** Whatever is thrown, what follows is done: whoever closes the server or client waits for it. */
    @Override
    public void ended() {
        occupyLoop();
        try {
            output.release();
        } finally {
            idle.stop();
            NetparkException cause = ending.cause();
            Throwable thrown = ending.thrown();
            if (thrown != null) {
                FAILURES.ended(this, ending.because(), thrown);
            } else if (cause != null) {
                FAILURES.ended(this, cause);
            }
            if (accepted) {
                tellEnd(true);
            }
            input.feed(); // a worker that waits need not any more
            delivery.whenAtRest(calls);
        }
    }

    @Override
    public void thrown(String because, Throwable thrown) {
        FAILURES.thrown(this, because, thrown);
    }

    /** No callback is running, or will be but these. */
    void closed() {
        occupyLoop();
        boolean allTaken = !input.hasUnread();
        try {
            input.release();
            closeCallbacks.runAll(this::runCloseCallback);
            if (accepted) {
                tellEnd(false);
            }
        } finally {
            owner.remove(this);
            if (successor != null) {
                successor.accept(allTaken);
            }
            delivery.end();
        }
    }

    private void runCloseCallback(CloseAction action) {
        try {
            action.closed(ending.cause());
        } catch (Throwable e) {
            closeCallbackThrew(e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    private void tellEnd(boolean disconnect) {
        try {
            if (disconnect) {
                callbacks.disconnected(ending.cause());
            } else {
                callbacks.closed(ending.cause());
            }
        } catch (Throwable e) {
            closeCallbackThrew(e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    private void closeCallbackThrew(Throwable thrown) {
        FAILURES.thrown(this, "a close callback of it threw; the others run nevertheless", thrown);
    }

    /**
     * Whether its last callback may still be waited for. Not if the loop has not ended though it was closed, or a worker does not
     * return: they are in {@link Runtime#exit}, which waits for the one who asks.
     */
    boolean mayEnd() {
        return loop().isTerminated() && !delivery.isExiting();
    }
}
