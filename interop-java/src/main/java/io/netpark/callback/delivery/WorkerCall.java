package io.netpark.callback.delivery;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Exit;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The one call of a connection that is out: from when it is handed to the {@link Crew} until it is back on the loop. Used again for the
 * next call. A call for which there is no room may wait for some in the line of {@link Room}; it is out all the same.
 */
final class WorkerCall implements Runnable {

    private static final int TAKEN = 0;
    private static final int PROMISED = 1;
    private static final int BEGUN = 2;
    private static final int LOST = 3;
    private static final VarHandle CLAIM;

    static {
        try {
            CLAIM = MethodHandles.lookup().findVarHandle(WorkerCall.class, "claim", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final OnWorkers delivery;
    private final CallSource calls;
    private final Crew workers;
    /** Runs a task on the loop, or returns false if it has ended. */
    private final Predicate<Runnable> loop;
    private final Runnable returned;
    private final Runnable refused = this::refused;
    private final Runnable goesOut = this::goOut;

    /** The event of the call that is out; 0 at rest. Written by the loop only, read by the worker that has the call. */
    private int event;
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

    /** The worker that has the call, while it runs. */
    private volatile @Nullable Thread worker;
    /** The call that is out has not begun, as there was no room for it. */
    private volatile boolean waits;
    /** Why the executor has not taken the call that was to go out of the line. */
    private @Nullable Throwable refusal;

    // The room's
    @Nullable WorkerCall lineBefore;
    @Nullable WorkerCall lineBehind;
    boolean inLine;

    WorkerCall(OnWorkers delivery, CallSource calls, Crew workers, Predicate<Runnable> loop) {
        this.delivery = delivery;
        this.calls = calls;
        this.workers = workers;
        this.loop = loop;
        this.returned = () -> delivery.returned(event);
    }

    boolean isOut() {
        return event != 0;
    }

    /** Whether the call that is out has not begun, as there was no room for it. From any thread. */
    boolean isWaiting() {
        return waits;
    }

    /** Whether the worker that has the call has called {@link Runtime#exit} in it. */
    boolean isExiting() {
        Thread running = worker;
        return running != null && Exit.isIn(running);
    }

    /** With the monitor of the delivery: it is back, or nobody has taken it. */
    void rest() {
        event = 0;
    }

    void begin(int event) {
        this.event = event;
        claim = TAKEN;
        calls.before(event);
        handOut();
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
        calls.rejected(event);
        delivery.rest();
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
        boolean over = delivery.isOver();
        if (!over && !workers.takeNoMore() && (why instanceof RejectedExecutionException || why instanceof OutOfMemoryError)) {
            claim = TAKEN;
            workers.room().awaitInFront(this);
            workers.joined(true);
            return;
        }
        workers.leave();
        if (over) {
            waits = false;
            delivery.rest();
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
        OnWorkers.CURRENT.set(delivery);
        worker = Thread.currentThread();
        try {
            if (waits) {
                workers.room().withdraw(this); // an executor may have kept what it rejected
                waits = false;
                calls.begins(event);
            }
            calls.call(event);
        } finally {
            OnWorkers.CURRENT.remove();
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

    /** With the monitor of the delivery: the connection has ended, and a call that waits for room need not any more. */
    void giveUpWaiting() {
        // Unless an executor that has rejected it runs it nevertheless, at this moment.
        if (workers.room().withdraw(this) && CLAIM.compareAndSet(this, TAKEN, LOST)) {
            waits = false;
            event = 0;
        }
    }

    /** Whether the executor has ended with the call in its queue: nobody will make it. */
    boolean lose() {
        return event != 0 && workers.haveEnded() && CLAIM.compareAndSet(this, TAKEN, LOST);
    }
}
