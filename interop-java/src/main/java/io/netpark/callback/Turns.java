package io.netpark.callback;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Exit;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Has workers run the callbacks of one connection, never two at a time.
 *
 * <p>Everything here is done on the event loop, but for the one call that a worker has in its hands: it goes out by
 * {@link Workers#execute} and comes back by a task of the loop. So "finished" and "new bytes" cannot cross each other:
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
final class Turns implements Runnable {

    /** What may be wanted, in order of preference. */
    static final int CONNECT = 1;
    static final int AGAIN = 1 << 1;
    static final int INPUT = 1 << 2;
    static final int WRITABLE = 1 << 3;
    static final int HALF_CLOSE = 1 << 4;
    private static final int LAST = HALF_CLOSE;

    private static final int TAKEN = 0;
    private static final int PROMISED = 1;
    private static final int BEGUN = 2;
    private static final int LOST = 3;
    private static final VarHandle CLAIM;

    static {
        try {
            CLAIM = MethodHandles.lookup().findVarHandle(Turns.class, "claim", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The two ends of the calls. */
    interface Calls {

        /** On the loop: whether it is time for an event that is wanted. It stays wanted if not. */
        boolean mayCall(int event);

        /** On the loop: whether there is nothing to call. Then only {@link #after} is. */
        boolean isEmpty(int event);

        /** On the loop, before the call. Throws nothing, as {@link #after} does not. */
        void before(int event);

        /** On a worker, or on the loop if there is none. Throws nothing. */
        void call(int event);

        /** On the loop, after the call, unless the connection has ended meanwhile. */
        void after(int event);

        /** On the loop, instead of the call, which nobody has taken. */
        void rejected(int event);

        /** On the loop, instead of the call: whoever should have decided what becomes of it threw, and it is rejected. */
        void failed(String because, Throwable thrown);

        /** On the worker, before a call that has waited for room. Throws nothing. */
        void begins(int event);
    }

    /** Of the thread that is in a call. */
    private static final ThreadLocal<Turns> CURRENT = new ThreadLocal<>();

    private final Calls calls;
    private final Workers workers;
    /** Runs a task on the loop, or returns false if it has ended. */
    private final Predicate<Runnable> loop;
    private final CallbackConnection connection;
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

    // The room's
    @Nullable Turns lineBefore;
    @Nullable Turns lineBehind;
    boolean inLine;

    Turns(CallbackConnection connection, Calls calls, Workers workers, Predicate<Runnable> loop) {
        this.connection = connection;
        this.calls = calls;
        this.workers = workers;
        this.loop = loop;
    }

    /** The connection of which the calling thread is in a call; null if it is in none. */
    static @Nullable CallbackConnection inCall() {
        Turns current = CURRENT.get();
        return current == null ? null : current.connection;
    }

    /** Whether the calling thread is in a call of these turns, and not on an event loop. */
    boolean isMine() {
        return CURRENT.get() == this && EventLoop.current() == null;
    }

    /** Whether the calling thread is in a call of these turns, wherever it runs. */
    boolean isCurrent() {
        return CURRENT.get() == this;
    }

    /** Whether the worker that has the call has called {@link Runtime#exit} in it. */
    boolean isExiting() {
        Thread running = worker;
        return running != null && Exit.isIn(running);
    }

    boolean isOut() {
        return out != 0;
    }

    /** Whether the call that is out has not begun, as there was no room for it. From any thread. */
    boolean isWaiting() {
        return waits;
    }

    boolean isWanted(int event) {
        return (wanted & event) != 0;
    }

    /** Something is to be called, as soon as it may. Asking for it twice before is asking once. */
    void want(int event) {
        wanted |= event;
        next();
    }

    /** What was wanted before may have become possible. */
    void next() {
        for (int event = due(); event != 0; event = due()) {
            wanted &= ~event;
            if (calls.isEmpty(event)) {
                calls.after(event);
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

    private Rejection decide(@Nullable Throwable why) {
        if (why != null && !(why instanceof RejectedExecutionException || why instanceof OutOfMemoryError)) {
            calls.failed("its executor threw, instead of rejecting a callback: " + workers, why);
            return Rejection.CLOSE;
        }
        try {
            Rejection decision = Objects.requireNonNull(workers.rejected(connection), "what becomes of the callback");
            return decision == Rejection.WAIT && workers.takeNoMore() ? Rejection.CLOSE : decision;
        } catch (Throwable e) {
            calls.failed("what decides on a callback that no worker has room for threw", e);
            return Rejection.CLOSE;
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

    private void returned() {
        int event = out;
        if (!rest()) {
            calls.after(event);
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

    /** The connection has ended: nothing is wanted any more, and this runs when no call is out, perhaps now. */
    void whenAtRest(Runnable action) {
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
            connection.loop().schedule(() -> {
                giveUpLost();
                if (out != 0) {
                    lookAgain();
                }
            }, 1, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and who closes it looks.
        }
    }

    /** The connection and its loop have ended: not to wait for a call that nobody will make. */
    void giveUpLost() {
        if (lose()) {
            lost();
            rest();
        }
    }

    private boolean lose() {
        return out != 0 && workers.haveEnded() && CLAIM.compareAndSet(this, TAKEN, LOST);
    }

    private void lost() {
        connection.loop().report("A callback of " + connection + " was not run", new RejectedExecutionException(
                "its executor took it and has been shut down since, with shutdownNow perhaps: " + workers
                        + "; close servers and clients before their workers"));
        out = 0;
    }
}
