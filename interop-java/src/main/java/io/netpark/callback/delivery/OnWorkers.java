package io.netpark.callback.delivery;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Exit;
import io.netpark.core.net.socket.SocketDescriptor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
 *
 * A call for which there is no room may wait for some in the line of {@link Room}; it is out all the same.
 */
public final class OnWorkers extends Delivery implements Runnable {

    private static final int LAST = HALF_CLOSE;

    private static final int TAKEN = 0;
    private static final int PROMISED = 1;
    private static final int BEGUN = 2;
    private static final int LOST = 3;
    private static final VarHandle CLAIM;

    static {
        try {
            CLAIM = MethodHandles.lookup().findVarHandle(OnWorkers.class, "claim", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Of the thread that is in a call. */
    private static final ThreadLocal<OnWorkers> CURRENT = new ThreadLocal<>();

    private final @Nullable SocketDescriptor core;
    private final Object owner;
    private final CallSource calls;
    private final Crew workers;
    /** Runs a task on the loop, or returns false if it has ended. */
    private final Predicate<Runnable> loop;
    private final Runnable returned = this::returned;
    private final Runnable refused = this::refused;
    private final Runnable goesOut = this::goOut;

    private int wanted;
    /** The event of the call that is out; 0 at rest. Written by the loop only, read by the worker that has the call. */
    private int out;
    /**
     * What has become of the call that is out.
     *
     * <pre>
     *   TAKEN --it begins--> BEGUN              whoever is first
     *   TAKEN --the executor has ended, or refuses it--> LOST
     *   LOST  --refused, to be run on the loop--> PROMISED --> BEGUN
     *   LOST  --refused, to wait for room-------> TAKEN
     * </pre>
     */
    private volatile int claim = BEGUN;
    private @Nullable Runnable whenAtRest;
    /** Who has the call that is out, while it runs. */
    private volatile @Nullable Thread worker;
    /** The call that is out has not begun, as there was no room for it. */
    private volatile boolean waits;
    /** Why the executor has not taken the call that was to go out of the line. */
    private @Nullable Throwable refusal;
    private @Nullable ArrayDeque<Runnable> afterCall;

    // The room's
    @Nullable OnWorkers lineBefore;
    @Nullable OnWorkers lineBehind;
    boolean inLine;

    /**
     * @param core of the connection
     * @param owner of the connection; see {@link #isInCallOf}
     */
    public OnWorkers(SocketDescriptor core, Object owner, CallSource calls, Crew workers) {
        this(core, owner, calls, workers, core.loop()::tryExecute);
    }

    OnWorkers(@Nullable SocketDescriptor core, Object owner, CallSource calls, Crew workers, Predicate<Runnable> loop) {
        this.core = core;
        this.owner = owner;
        this.calls = calls;
        this.workers = workers;
        this.loop = loop;
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
        Thread running = worker;
        return running != null && Exit.isIn(running);
    }

    @Override
    public boolean isOut() {
        return out != 0;
    }

    @Override
    public boolean isWaiting() {
        return waits;
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
                out = event;
                claim = TAKEN;
                calls.before(event);
                handOut();
            }
        }
    }

    /** What is to be called now; 0 for nothing. */
    private int due() {
        for (int event = 1; out == 0 && event <= LAST; event <<= 1) {
            if ((wanted & event) != 0 && calls.mayCall(event)) {
                return event;
            }
        }
        return 0;
    }

    private void handOut() {
        if (!workers.room().enter()) {
            refused(null);
            return;
        }
        Throwable why = submit();
        if (why != null) {
            workers.leave();
            refused(why);
        }
    }

    /** With a place. Returns why the executor has not taken the call, which is then nobody's; null if it has. */
    private @Nullable Throwable submit() {
        try {
            workers.execute(this);
            return null;
        } catch (Throwable e) { // rejected, or no thread is to be had
            return CLAIM.compareAndSet(this, TAKEN, LOST) ? e : null; // or it has begun, and comes back, whatever the executor says
        }
    }

    /** On the loop. There is no room, or the executor has said why it does not take the call. */
    private void refused(@Nullable Throwable why) {
        claim = LOST; // whoever has it after all is not to run it
        switch (decide(why)) {
            case RUN_ON_LOOP -> {
                if (promise()) {
                    return;
                }
            }
            case WAIT -> {
                await(why);
                return;
            }
            default -> { }
        }
        claim = LOST;
        waits = false;
        calls.rejected(out);
        rest();
    }

    private Refusal decide(@Nullable Throwable why) {
        if (why != null && !(why instanceof RejectedExecutionException || why instanceof OutOfMemoryError)) {
            calls.failed("its executor threw, instead of rejecting a callback: " + workers, why);
            return Refusal.CLOSE;
        }
        try {
            Refusal decision = calls.refused();
            return decision == Refusal.WAIT && workers.takeNoMore() ? Refusal.CLOSE : decision;
        } catch (Throwable e) {
            calls.failed("what decides on a callback that no worker has room for threw", e);
            return Refusal.CLOSE;
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    // Waiting for room

    private void await(@Nullable Throwable why) {
        waits = true;
        claim = TAKEN;
        if (!workers.room().await(this, why != null)) {
            workers.joined(why != null);
            return;
        }
        Throwable now = submit();
        if (now != null) {
            workers.leave();
            refused(now);
        }
    }

    /** It was first in line, and has a place now. From any thread. */
    void goOut() {
        Throwable why = submit();
        if (why == null) {
            workers.passOn();
        } else {
            refusal = why;
            onLoop(refused);
        }
    }

    /** As {@link #goOut}, on a thread that must not run the call. */
    void goOutSoon() {
        onLoop(goesOut);
    }

    /** On the loop: it was first in line, and the executor has not taken it. */
    private void refused() {
        Throwable why = refusal;
        refusal = null;
        boolean over;
        synchronized (this) {
            over = whenAtRest != null;
        }
        if (!over && !workers.takeNoMore() && (why instanceof RejectedExecutionException || why instanceof OutOfMemoryError)) {
            claim = TAKEN;
            workers.room().awaitInFront(this);
            workers.joined(true);
            return;
        }
        workers.leave();
        if (over) {
            waits = false;
            rest();
        } else {
            refused(why);
        }
    }

    /** Has the loop make the call. Returns false if it will not: it has ended, or there is no memory for the task. */
    private boolean promise() {
        claim = PROMISED;
        try {
            return loop.test(this);
        } catch (OutOfMemoryError e) {
            return false;
        }
    }

    /** The call. */
    @Override
    public void run() {
        boolean placed = CLAIM.compareAndSet(this, TAKEN, BEGUN);
        if (!placed && !CLAIM.compareAndSet(this, PROMISED, BEGUN)) {
            return; // nobody waits for it any more
        }
        CURRENT.set(this);
        worker = Thread.currentThread();
        try {
            if (waits) {
                workers.room().withdraw(this); // an executor may have kept what it rejected
                waits = false;
                calls.begins(out);
            }
            calls.call(out);
        } finally {
            CURRENT.remove();
            worker = null;
            EventLoop.leaveUserCode(); // an executor may have run it on the loop
            if (placed) {
                workers.leave();
            }
            onLoop(returned);
        }
    }

    /** Nobody else could ever do it. */
    private void onLoop(Runnable task) {
        while (true) {
            try {
                if (!loop.test(task)) {
                    OneByOne.run(task); // the loop has ended, so there is nobody else
                }
                return;
            } catch (OutOfMemoryError e) { // none for a task of the loop: until there is some
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
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

    private void returned() {
        int event = out;
        if (!rest()) {
            calls.after(event);
            callReturned();
            next();
        }
    }

    /** Returns whether that was the end. */
    private boolean rest() {
        Runnable waiting;
        synchronized (this) { // once the loop has ended a worker may meet whoever ends the connection
            out = 0;
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

    @Override
    public void whenAtRest(Runnable action) {
        wanted = 0;
        boolean lost;
        boolean atWork;
        synchronized (this) {
            // What waits for room need not any more; unless an executor that has rejected it runs it nevertheless, at this moment.
            if (workers.room().withdraw(this) && CLAIM.compareAndSet(this, TAKEN, LOST)) {
                waits = false;
                out = 0;
            }
            lost = lose();
            atWork = out != 0 && !lost;
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
        try {
            core.loop().schedule(() -> {
                giveUpLost();
                if (out != 0) {
                    lookAgain();
                }
            }, 1, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and who closes it looks.
        }
    }

    @Override
    public void giveUpLost() {
        if (lose()) {
            lost();
            rest();
        }
    }

    private boolean lose() {
        return out != 0 && workers.haveEnded() && CLAIM.compareAndSet(this, TAKEN, LOST);
    }

    private void lost() {
        core.loop().report("A callback of " + core + " was not run", new RejectedExecutionException(
                "its executor took it and has been shut down since, with shutdownNow perhaps: " + workers
                        + "; close servers and clients before their workers"));
        out = 0;
    }
}
