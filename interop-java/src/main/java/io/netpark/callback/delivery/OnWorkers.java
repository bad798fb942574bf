package io.netpark.callback.delivery;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.socket.SocketDescriptor;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Has workers run the callbacks of one connection, never two at a time.
 *
 * <p>Everything here is done on the event loop, but for the one call that a worker has in its hands: it goes out by
 * {@link Crew#execute} and comes back by a task of the loop. So "finished" and "new bytes" cannot cross each other:
 * both are steps of one thread, and neither needs a lock. What a call sees was written before it went out, and the loop
 * sees what it did when it is back.
 *
 * <pre>
 *   AT REST --want()--> OUT --worker has returned, nothing is wanted--> AT REST
 *                       OUT --worker has returned, something is wanted--> OUT
 *                       OUT --worker has returned, or nobody took it--> AT REST, {@link #whenAtRest} runs
 * </pre>
 */
public final class OnWorkers extends Delivery {

    private static final int LAST = HALF_CLOSE;

    /** Of the thread that is in a call. */
    static final ThreadLocal<OnWorkers> CURRENT = new ThreadLocal<>();

    /** Null for a model of a connection, whose workers lose nothing. */
    private final @Nullable SocketDescriptor core;
    private final Object owner;
    private final CallSource calls;
    private final Crew workers;
    /** Runs a task on the loop, or returns false if it has ended. */
    private final Predicate<Runnable> loop;
    private final WorkerCall call;

    private int wanted;
    private @Nullable Runnable whenAtRest;
    private @Nullable ArrayDeque<Runnable> afterCall;

    /**
     * @param core of the connection
     * @param owner of the connection; see {@link #isInCallOf}
     */
    public OnWorkers(SocketDescriptor core, Object owner, CallSource calls, Crew workers) {
        this(core, owner, calls, workers, core.loop()::tryWake);
    }

    OnWorkers(@Nullable SocketDescriptor core, Object owner, CallSource calls, Crew workers, Predicate<Runnable> loop) {
        this.core = core;
        this.owner = owner;
        this.calls = calls;
        this.workers = workers;
        this.loop = loop;
        this.call = new WorkerCall(this, calls, workers, loop);
    }

    public static boolean isInCallOf(Object owner) {
        OnWorkers current = CURRENT.get();
        return current != null && current.owner == owner;
    }

    @Override
    public boolean mayWait() {
        return CURRENT.get() == this && EventLoop.current() == null;
    }

    @Override
    public boolean isCurrent() {
        return CURRENT.get() == this;
    }

    @Override
    public boolean isExiting() {
        return call.isExiting();
    }

    @Override
    public boolean isOut() {
        return call.isOut();
    }

    @Override
    public boolean isWaiting() {
        return call.isWaiting();
    }

    @Override
    public boolean isWanted(int event) {
        return (wanted & event) != 0;
    }

    @Override
    public void want(int event) {
        wanted |= event;
        next();
    }

    @Override
    public void next() {
        for (int event = due(); event != 0; event = due()) {
            wanted &= ~event;
            if (calls.isEmpty(event)) {
                calls.after(event);
                callReturned();
            } else {
                call.begin(event);
            }
        }
    }

    /** What is to be called now; 0 for nothing. */
    private int due() {
        for (int event = 1; !call.isOut() && event <= LAST; event <<= 1) {
            if ((wanted & event) != 0 && calls.mayCall(event)) {
                return event;
            }
        }
        return 0;
    }

    @Override
    public void afterCall(Runnable action) {
        ArrayDeque<Runnable> actions = afterCall;
        if (actions == null) {
            actions = afterCall = new ArrayDeque<>(1);
        }
        actions.add(action);
    }

    @Override
    public void end() {
        callReturned();
    }

    private void callReturned() {
        ArrayDeque<Runnable> actions = afterCall;
        afterCall = null;
        while (actions != null && !actions.isEmpty()) {
            Runnable action = actions.remove();
            if (!loop.test(action)) {
                OneByOne.run(action); // the loop has ended, and so has the connection: this only says so
            }
        }
    }

    /** The call has come back. */
    void returned(int event) {
        if (!rest()) {
            calls.after(event);
            callReturned();
            next();
        }
    }

    /** Returns whether that was the end. */
    boolean rest() {
        Runnable waiting;
        synchronized (this) { // once the loop has ended a worker may meet whoever ends the connection
            call.rest();
            waiting = whenAtRest;
            whenAtRest = null;
        }
        if (waiting == null) {
            return false;
        }
        wanted = 0;
        waiting.run();
        return true;
    }

    /** Whether the connection has ended, and the call that is out is waited for. */
    synchronized boolean isOver() {
        return whenAtRest != null;
    }

    @Override
    public void whenAtRest(Runnable action) {
        wanted = 0;
        boolean lost;
        boolean atWork;
        synchronized (this) {
            call.giveUpWaiting();
            lost = call.lose();
            atWork = call.isOut() && !lost;
            if (atWork) {
                whenAtRest = action;
            }
        }
        if (atWork) {
            lookAgain();
            return;
        }
        if (lost) {
            lost();
        }
        action.run();
    }

    /** Whoever shuts down the executor that was given does not tell. */
    private void lookAgain() {
        if (!workers.mayEndUnseen()) {
            return;
        }
        assert core != null;
        try {
            core.loop().schedule(() -> {
                giveUpLost();
                if (call.isOut()) {
                    lookAgain();
                }
            }, 1, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and who closes it looks.
        }
    }

    @Override
    public void giveUpLost() {
        if (call.lose()) {
            lost();
            rest();
        }
    }

    private void lost() {
        assert core != null;
        core.loop().report("A callback of " + core + " was not run", new RejectedExecutionException(
                "its executor took it and has been shut down since, with shutdownNow perhaps: " + workers
                        + "; close servers and clients before their workers"));
        call.rest();
    }
}
