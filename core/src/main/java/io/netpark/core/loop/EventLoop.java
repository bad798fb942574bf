package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.inspection.Subject;
import io.netpark.core.inspection.Walks;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.GroupHealth.LoopHealth;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.Ration;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * One thread, one poller, one queue of tasks, one queue of timers. The thread takes one {@linkplain Turn turn} after another, until
 * the loop {@linkplain Closing closes}.
 *
 * <p>A loop is an executor for everything that must happen on its thread. What such code throws, errors included, is reported
 * and ends nothing. Interrupting the thread has no effect: the flag is cleared after every piece of user code.
 *
 * <pre>
 *   RUNNING --close--> CLOSING --everything watched is closed, its waiters and the tasks have run--> CLOSED
 * </pre>
 */
public final class EventLoop extends LoopExecutor implements AutoCloseable {

    static final int ANY_PROCESSOR = -1;

    private final Walks walks = new Walks(this::tryExecute);
    private final LibC libc;
    private final Clock clock;
    private final Poller poller;
    private final int processor;
    private final Thread thread;
    private final PipePool pipes;
    private final Queue<Runnable> tasks = new MpscUnboundedAtomicArrayQueue<>(1024);
    /** For waiters, when there is no memory for another task: a waiter that has been taken out of its slot must not be lost. */
    private final MpmcAtomicArrayQueue<Runnable> spare = new MpmcAtomicArrayQueue<>(1024);
    private final Lifetime lifetime = new Lifetime();
    private final Reports reports;
    private final Turn turn;
    private final TurnFailures failures;
    private final Closing closing;

    private EventLoop(String name, boolean daemon, int processor, LibC libc, Clock clock, Poller poller, Ration ration,
            @Nullable Counters counters, @Nullable Observer observer) {
        this.processor = processor;
        this.libc = libc;
        this.clock = clock;
        this.poller = poller;
        this.pipes = new PipePool(libc);
        this.reports = new Reports(this, name, ration, counters, observer);
        this.turn = new Turn(clock, poller, tasks, spare, lifetime, reports);
        this.failures = new TurnFailures(this, lifetime, reports);
        this.closing = new Closing(this, turn, poller, pipes, lifetime, reports);
        this.thread = new LoopThread(this, name);
        thread.setDaemon(daemon);
    }

    /**
     * Starts a loop.
     *
     * @param name of its thread
     * @param daemon whether the JVM may exit while it runs
     * @param reporter is told all, without a ration
     * @throws NetparkException if there is no descriptor or memory for its poller
     */
    static EventLoop open(
            String name, boolean daemon, LibC libc, Poller.Factory pollers, Reporter reporter)
            throws NetparkException {
        return open(name, daemon, ANY_PROCESSOR, libc, Clock.SYSTEM, pollers, new Ration(reporter, Clock.SYSTEM, Ration.UNLIMITED), null,
                null);
    }

    /** As the other, on one processor only; if that is refused, it is reported, and the loop runs on any. */
    static EventLoop open(
            String name, boolean daemon, int processor, LibC libc, Clock clock, Poller.Factory pollers, Ration ration,
            @Nullable Counters counters, @Nullable Observer observer) throws NetparkException {
        Poller poller = pollers.open(libc);
        try {
            EventLoop loop = new EventLoop(name, daemon, processor, libc, clock, poller, ration, counters, observer);
            loop.thread.start();
            return loop;
        } catch (Throwable e) { // no thread to be had
            poller.close();
            throw e;
        }
    }

    /** The C library as this loop calls it. */
    public LibC libc() {
        return libc;
    }

    @Override
    public Clock clock() {
        return clock;
    }

    /** What this loop waits with. */
    public Poller poller() {
        return poller;
    }

    /** Whether the calling thread is the loop's. */
    public boolean inLoop() {
        return Thread.currentThread() == thread;
    }

    /**
     * Says what the action that the loop runs now, a waiter, a task or a timer, is at, for the watchdog to name if that holds the loop; null
     * for nothing in particular. It is over with the action. Code of the loop calls it, and two plain writes are all it costs. What was
     * woken by the readiness of a descriptor has its name without that.
     *
     * @param what its text is asked for by the watchdog's thread. A {@link Pollable} is named with its handler
     */
    public void setOccupation(@Nullable Object what) {
        turn.pulse.occupy(what);
    }

    /** What the loop is at, if that has been said. Another thread may see what was said before. */
    public @Nullable Object occupation() {
        return turn.pulse.occupation();
    }

    /** What the loop is at, in words, as far as that is known, for another thread that looks; null if it is not. */
    @Nullable String describeOccupation() {
        Object said = occupation();
        Pollable woken = said instanceof Pollable pollable ? pollable : poller.registered(turn.batch.woken.running());
        if (woken == null) {
            return said == null ? null : "\"" + said + "\"";
        }
        String handler = woken.handler();
        String named = woken + (handler == null ? "" : " (handler " + handler + ")");
        return said == null || said == woken ? named : "\"" + said + "\" of " + named;
    }

    /** The loop whose thread is calling, or null. */
    public static @Nullable EventLoop current() {
        return Thread.currentThread() instanceof LoopThread thread ? thread.loop : null;
    }

    private static final class LoopThread extends Thread {
        final EventLoop loop;

        LoopThread(EventLoop loop, String name) {
            super(loop.clock.starting(loop::run), name);
            this.loop = loop;
        }
    }

    /** No Throwable of any kind ends the thread before the loop is CLOSED; the code that catches it needs no memory for that. */
    private void run() {
        pin();
        while (lifetime.isRunning()) {
            try {
                turn.run();
                turn.pulse.rest();
                failures.forget();
            } catch (Throwable e) {
                try {
                    failures.add(e);
                } catch (Throwable ignored) {
                    // A class that it needs could not be loaded.
                }
            }
        }
        try {
            closing.run();
        } catch (Throwable e) {
            reports.taskThrew(e);
        } finally {
            reports.end();
            lifetime.handOver();
            try {
                closing.runRemaining();
            } finally {
                lifetime.ended();
            }
        }
    }

    private void pin() {
        if (processor != ANY_PROCESSOR) {
            try {
                Affinity.pin(libc, processor);
            } catch (Throwable e) {
                reports.failure("It cannot be bound, and runs on any processor:", this, e);
            }
        }
    }

    /**
     * To be called after each piece of user code by code that runs pieces of different owners in one action, a task or a
     * waiter: an interrupt flag that one piece has left behind must not reach the next, where it would close a file's channel (see
     * {@link java.nio.channels.ClosedByInterruptException}). After an action the loop does it. Does nothing on other threads.
     */
    public static void leaveUserCode() {
        if (Thread.currentThread() instanceof LoopThread) {
            Thread.interrupted();
        }
    }

    // Tasks and timers

    /**
     * Runs a task on the loop, after the tasks that were queued before it. Costs a system call only if the loop is asleep.
     *
     * @throws RejectedExecutionException if the loop is closed
     */
    @Override
    public void execute(Runnable task) {
        if (!tryExecute(task)) {
            throw new RejectedExecutionException(this + " is closed");
        }
    }

    /**
     * As {@link #execute}, but returns false if the loop is closed. A task that meets the very end of the loop may run
     * on the calling thread: it is never lost.
     */
    public boolean tryExecute(Runnable task) {
        if (takesNoTasks()) {
            return false;
        }
        tasks.add(Objects.requireNonNull(task, "task"));
        queued();
        return true;
    }

    /**
     * Runs a waiter that has been taken out of its slot, so that nobody else knows of it: as a task, also if there is no memory
     * for another; on the calling thread if the loop is closed.
     */
    public void wake(Runnable waiter) {
        if (!tryWake(waiter)) {
            waiter.run();
        }
    }

    /** As {@link #wake}, but returns false if the loop is closed; then the waiter is still the caller's. */
    public boolean tryWake(Runnable waiter) {
        if (takesNoTasks()) {
            return false;
        }
        try {
            tasks.add(Objects.requireNonNull(waiter, "waiter"));
        } catch (OutOfMemoryError e) { // the queue is as it was
            if (!spare.offer(waiter)) {
                throw e;
            }
        }
        queued();
        return true;
    }

    private void queued() {
        if (!inLoop()) {
            turn.sleep.interrupt();
            if (lifetime.isHandedOver()) {
                closing.runRemaining();
            }
        }
    }

    /** A closed loop takes none of its own thread, or it might never end; of others until it is handed over: then it has terminated. */
    private boolean takesNoTasks() {
        return lifetime.isClosed() && (inLoop() || lifetime.isHandedOver());
    }

    /**
     * A timer of this loop.
     *
     * @param action runs on the loop when the time has come
     */
    public Timer newTimer(Runnable action) {
        return new Timer(this, action, null);
    }

    /**
     * A timer of this loop.
     *
     * @param action runs on the loop when the time has come
     * @param abandoned runs on the loop instead if it closes before
     */
    public Timer newTimer(Runnable action, Runnable abandoned) {
        return new Timer(this, action, abandoned);
    }

    void arm(Timer timer, long dueNanos) {
        if (lifetime.isClosed()) { // asked for by a task that met the very end of the loop
            turn.abandon(timer);
        } else {
            turn.timers.put(timer, dueNanos);
        }
    }

    void disarm(Timer timer) {
        turn.timers.remove(timer);
    }

    // What it says, of itself and of what lives on it

    /**
     * Passes something on to the {@link Reporter} of this loop, which cannot harm it. What peers or programs cause again and again is
     * told a few times, and then as a number (see {@link EventLoopGroup.Builder#reportLimit}). Any thread.
     */
    public void report(String what, Throwable cause) {
        reports.report(what, cause);
    }

    /** What it counts, or null if its group has no metrics. */
    public @Nullable Counters counters() {
        return reports.counters;
    }

    /**
     * Counts an exception that has ended a connection, or its handler, if the peer has done that to its own connection: then
     * there is nothing to report. Any thread. What is counted is seen only in a group with metrics.
     *
     * @return whether it is one of {@link PeerFault}; otherwise it is to be {@linkplain #report reported}
     */
    public boolean countIfByPeer(Throwable cause) {
        return reports.countIfByPeer(cause);
    }

    /** Counts what a peer has done to its own connection. Any thread. */
    public void count(PeerFault kind) {
        reports.count(kind);
    }

    /** Counts bytes that were put into a connection's output and will never be written. Any thread. */
    public void countDropped(long bytes) {
        reports.countDropped(bytes);
    }

    /** The observer of connections, or null. */
    public @Nullable Observer observer() {
        return reports.observer;
    }

    /** Calls an observer; what it throws is reported. */
    public void tell(Runnable call) {
        reports.tell(this, call);
    }

    // What can be seen

    /** Pipes to splice bytes through. */
    public PipePool pipes() {
        return pipes;
    }

    /** How many descriptors it watches. */
    public int descriptors() {
        return poller.size();
    }

    /** Whether its group has given it up: it goes on until nothing of it is left, and gets nothing new. */
    public boolean isRetiring() {
        return lifetime.isRetiring();
    }

    /** What it has counted up to now, or null if it counts nothing. */
    @Nullable LoopSnapshot snapshot() {
        Counters counters = reports.counters;
        return counters == null ? null : counters.snapshot(toString(), descriptors(), parked(), tasks.size());
    }

    /** As it is inspected. */
    Subject subject() {
        return new Subject(toString(), poller, walks, this::actions, this::health);
    }

    private LoopHealth health(boolean answers, long sinceTurnNanos) {
        String held = answers ? null : describeOccupation();
        Counters counters = reports.counters;
        long since = answers || counters == null || isWaiting() ? sinceTurnNanos : Math.max(sinceTurnNanos, counters.sinceTurnBegan());
        return new LoopHealth(toString(), answers, Duration.ofNanos(since), isRetiring(), descriptors(), tasks.size(),
                held, answers ? List.of() : List.of(stack()));
    }

    /** Operations that are parked, at about this moment. */
    long parked() {
        long parked = 0;
        for (Pollable pollable : poller.watched()) {
            parked += pollable.parked();
        }
        return parked;
    }

    /** How many waiters, tasks and timers it has begun to run. */
    long actions() {
        return turn.pulse.actions();
    }

    /** Whether it waits for readiness, or does not run any more. */
    boolean isWaiting() {
        return turn.pulse.isWaiting() || lifetime.isClosed();
    }

    StackTraceElement[] stack() {
        return thread.getStackTrace();
    }

    /** Whether a thread is that of an event loop. */
    public static boolean isLoopThread(Thread thread) {
        return thread instanceof LoopThread;
    }

    // The end

    /** Closes by itself when it watches nothing, and has no tasks and no timers. */
    void retire() {
        lifetime.retire();
        if (!inLoop()) {
            turn.sleep.interrupt();
        }
    }

    /**
     * Closes the loop: every descriptor on it is closed and its waiters are woken with "closed", tasks already queued
     * run, scheduled ones are cancelled. Waits until the thread has ended, unless called on an event loop; and unless that
     * thread is in {@link Runtime#exit}, which waits for the shutdown hook that may be calling this. Can be called again.
     */
    @Override
    public void close() {
        shutdown();
        if (current() == null) {
            lifetime.awaitEnd(clock, thread);
        }
    }

    /** @throws IllegalStateException on the loop's own thread, which would wait for itself */
    void requireElsewhere(String operation) {
        if (inLoop()) {
            throw new IllegalStateException(operation + " of " + this + " on its own thread: that would wait for itself");
        }
    }

    /** Starts closing and returns. */
    @Override
    public void shutdown() {
        if (lifetime.beginClosing() && !inLoop()) {
            turn.sleep.interrupt();
        }
    }

    @Override
    public boolean isShutdown() {
        return !lifetime.isRunning();
    }

    /** Whether the loop has ended: all that was on it is closed. Its thread may still run tasks that came too late for that. */
    @Override
    public boolean isTerminated() {
        return lifetime.isHandedOver();
    }

    /**
     * Waits until the thread has ended.
     *
     * @throws IllegalStateException if called on it
     */
    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        if (!lifetime.hasEnded()) {
            requireElsewhere("await the end");
        }
        return lifetime.awaitEnd(clock, timeout, unit);
    }

    /** Why the loop has ended, or is about to, though nobody has closed it; null if that is not so. */
    public @Nullable Throwable failure() {
        return lifetime.failure();
    }

    /** Has something run when the loop ends, on its thread, after all tasks. To be called on the loop. */
    public void atEnd(Runnable ending) {
        closing.add(ending);
    }

    /** Takes an {@link #atEnd} back. On any thread. */
    public void forgetAtEnd(Runnable ending) {
        closing.forget(ending);
    }

    @Override
    public String toString() {
        return thread.getName();
    }
}
