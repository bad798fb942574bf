package io.netpark.core.loop;

import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * One thread, one poller, one queue of tasks, one queue of timers. A turn of the loop is: wait for readiness; copy the
 * woken waiters out of the whole batch; run them; run tasks, a bounded number; run the timers that are due.
 *
 * <p>A loop is an executor for everything that must happen on its thread. What such code throws is reported and ends
 * nothing. Interrupting the thread has no effect.
 *
 * <pre>
 *   RUNNING --close--> CLOSING --everything watched is closed, its waiters and the tasks have run--> CLOSED
 * </pre>
 */
public final class EventLoop extends LoopExecutor implements AutoCloseable {

    static final int ANY_PROCESSOR = -1;

    private static final int RUNNING = 0;
    private static final int CLOSING = 1;
    private static final int CLOSED = 2;

    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;

    private static final VarHandle STATE;
    private static final VarHandle SLEEP;
    private static final VarHandle ACTIONS;
    private static final VarHandle WAITING;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(EventLoop.class, "state", int.class);
            SLEEP = lookup.findVarHandle(EventLoop.class, "sleep", int.class);
            ACTIONS = lookup.findVarHandle(EventLoop.class, "actions", long.class);
            WAITING = lookup.findVarHandle(EventLoop.class, "waiting", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** So that a flood of tasks does not keep readiness and timers waiting. */
    static final int TASKS_A_TURN = 1024;
    /** Passes over the queue while closing; whoever resubmits for longer than that is refused. */
    private static final int CLOSING_PASSES = 100;
    private static final int POLLER_FAILURES = 100;
    /** How often a loop that retires looks whether it may go: what leaves it from other threads does not wake it. */
    private static final long RETIREMENT_LOOK = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long POLLER_FAILURE_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);

    private final LibC libc;
    private final Poller poller;
    private final Reporter reporter;
    private final int processor;
    private final @Nullable Counters counters;
    private final @Nullable Observer observer;
    private final Thread thread;
    private final Queue<Runnable> tasks = new MpscUnboundedAtomicArrayQueue<>(1024);
    private final TimerQueue timers = new TimerQueue();
    private final WokenBatch woken = new WokenBatch();
    private final PipePool pipes;
    /** What it keeps for others, to be given up when it ends. */
    private final Set<Runnable> endings = ConcurrentHashMap.newKeySet();
    private final CountDownLatch ended = new CountDownLatch(1);

    private volatile int state = RUNNING;
    /** Waiters, tasks and timers run, for the watchdog. Written by the loop's thread only. */
    private long actions;
    private boolean waiting;
    /** Closes by itself when it has nothing left. */
    private volatile boolean retiring;

    /**
     * Whether a task needs a wake-up to be seen.
     *
     * <pre>
     *   loop:    AWAKE --about to wait--> ASLEEP, then looks into the queue once more
     *            ASLEEP --has waited--> AWAKE, then drains the queue
     *   others:  add a task, then ASLEEP --CAS--> AWAKE; the one that succeeds writes the eventfd
     * </pre>
     *
     * Each side writes before it reads what the other wrote, all volatile: either the loop sees the task, or the
     * other side sees ASLEEP. A busy loop is never ASLEEP when asked, so its tasks cost no system call.
     */
    private volatile int sleep = AWAKE;

    private EventLoop(String name, boolean daemon, int processor, LibC libc, Poller poller, Reporter reporter,
            @Nullable Counters counters, @Nullable Observer observer) {
        this.processor = processor;
        this.counters = counters;
        this.observer = observer;
        this.libc = libc;
        this.pipes = new PipePool(libc);
        this.poller = poller;
        this.reporter = reporter;
        this.thread = new LoopThread(this, name);
        thread.setDaemon(daemon);
    }

    /**
     * Starts a loop.
     *
     * @param name of its thread
     * @param daemon whether the JVM may exit while it runs
     * @throws NetparkException if there is no descriptor or memory for its poller
     */
    public static EventLoop open(
            String name, boolean daemon, LibC libc, Poller.Factory pollers, Reporter reporter)
            throws NetparkException {
        return open(name, daemon, ANY_PROCESSOR, libc, pollers, reporter, null, null);
    }

    /** As the other, on one processor only; if that is refused, it is reported, and the loop runs on any. */
    static EventLoop open(
            String name, boolean daemon, int processor, LibC libc, Poller.Factory pollers, Reporter reporter,
            @Nullable Counters counters, @Nullable Observer observer) throws NetparkException {
        EventLoop loop =
                new EventLoop(name, daemon, processor, libc, pollers.open(libc), reporter, counters, observer);
        try {
            loop.thread.start();
        } catch (Throwable e) { // no thread to be had
            loop.poller.close();
            throw e;
        }
        return loop;
    }

    /** The C library as this loop calls it. */
    public LibC libc() {
        return libc;
    }

    /** What this loop waits with. */
    public Poller poller() {
        return poller;
    }

    /** Where this loop reports to. */
    public Reporter reporter() {
        return reporter;
    }

    /** Whether the calling thread is the loop's. */
    public boolean inLoop() {
        return Thread.currentThread() == thread;
    }

    /** The loop whose thread is calling, or null. */
    public static @Nullable EventLoop current() {
        return Thread.currentThread() instanceof LoopThread thread ? thread.loop : null;
    }

    private static final class LoopThread extends Thread {
        final EventLoop loop;

        LoopThread(EventLoop loop, String name) {
            super(loop::run, name);
            this.loop = loop;
        }
    }

    // The turn

    private void run() {
        pin();
        int failures = 0;
        while (state == RUNNING) {
            try {
                turn();
                failures = 0;
            } catch (NetparkException e) {
                if (failures++ == 0) {
                    report("The poller of " + this + " failed; trying again", e);
                }
                if (failures == POLLER_FAILURES) {
                    report("The poller of " + this + " keeps failing; the loop closes", e);
                    state = CLOSING;
                }
                pauseAfterFailure();
            } catch (Throwable e) { // OutOfMemoryError, say: the next turn may find some
                report("A turn of " + this + " failed; the loop goes on", e);
            }
        }
        end();
    }

    private void pin() {
        if (processor != ANY_PROCESSOR) {
            try {
                Affinity.pin(libc, processor);
            } catch (NetparkException e) {
                report(this + " runs on any processor, as it cannot be bound to " + processor, e);
            }
        }
    }

    private static void pauseAfterFailure() {
        LockSupport.parkNanos(POLLER_FAILURE_PAUSE);
    }

    private void turn() throws NetparkException {
        WAITING.setOpaque(this, true);
        int found;
        try {
            found = waitForReadiness();
        } finally {
            WAITING.setOpaque(this, false);
        }
        Counters counters = this.counters;
        if (counters != null) {
            counters.turnBegins(found);
        }
        for (int i = 0; i < found; i++) {
            Pollable pollable = poller.pollable(i);
            if (pollable != null) {
                takeIn(pollable, poller.readiness(i));
            }
        }
        runWoken();
        // Those queued by now: one that queues itself again, to yield, lets the poller have its turn first.
        runTasks(Math.min(tasks.size(), TASKS_A_TURN));
        runTimers();
        if (counters != null) {
            counters.turnEnds(timers.size());
        }
        if (retiring && isQuiet() && poller.seal()) { // sealed first: a connection that comes now must go elsewhere
            shutdown();
        }
    }

    /** What fails for one must not keep the rest of the batch from being taken in: an edge is told once. */
    private void takeIn(Pollable pollable, int readiness) {
        try {
            pollable.ready(readiness, woken);
        } catch (Throwable e) {
            report("Readiness of " + pollable + " was not taken in", e);
        }
    }

    private int waitForReadiness() throws NetparkException {
        if (!tasks.isEmpty()) {
            return poller.await(0);
        }
        Timer first = timers.first();
        long timeout = first == null ? -1 : Math.max(0, first.dueNanos - System.nanoTime());
        if (timeout == 0) {
            return poller.await(0);
        }
        sleep = ASLEEP;
        if (retiring) { // looked at when whoever sets it can see that this sleeps
            timeout = timeout < 0 ? RETIREMENT_LOOK : Math.min(timeout, RETIREMENT_LOOK);
        }
        if (!tasks.isEmpty() || state != RUNNING) {
            timeout = 0;
        }
        try {
            return poller.await(timeout);
        } finally {
            sleep = AWAKE;
        }
    }

    private void runWoken() {
        int size = woken.size();
        for (int i = 0; i < size; i++) {
            runGuarded(woken.remove(i));
        }
        woken.clear();
    }

    private void runTasks(int most) {
        Runnable task;
        int ran = 0;
        for (; ran < most && (task = tasks.poll()) != null; ran++) {
            runGuarded(task);
        }
        if (counters != null && ran > 0) {
            counters.ranTasks(ran);
        }
    }

    private void runTimers() {
        Timer first = timers.first();
        if (first == null) {
            return;
        }
        long now = System.nanoTime(); // once: a timer armed for "now" by an action waits for the next turn
        while ((first = timers.first()) != null && first.dueNanos - now <= 0) {
            timers.remove(first);
            runGuarded(first.action);
        }
    }

    private void runGuarded(Runnable action) {
        ACTIONS.setOpaque(this, actions + 1);
        try {
            action.run();
        } catch (Throwable e) {
            report("A task on " + this + " threw; the loop goes on", e);
        }
    }

    /** Passes something on to the {@link Reporter} of this loop, which cannot harm it. */
    public void report(String what, Throwable cause) {
        try {
            reporter.report(what, cause);
        } catch (Throwable ignored) {
            // There is nobody left to tell.
        }
    }

    // Tasks and timers

    /**
     * Runs a task on the loop, after those queued before it. Costs a system call only if the loop is asleep.
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
        if (state == CLOSED) {
            return false;
        }
        tasks.add(Objects.requireNonNull(task, "task"));
        if (!inLoop()) {
            wakeIfAsleep();
            if (state == CLOSED) {
                runRemaining();
            }
        }
        return true;
    }

    private void wakeIfAsleep() {
        if (sleep == ASLEEP && SLEEP.compareAndSet(this, ASLEEP, AWAKE)) {
            poller.wakeup();
            if (counters != null) {
                counters.wokenUp();
            }
        }
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
        if (state == CLOSED) { // asked for by a task that met the very end of the loop
            abandon(timer);
        } else {
            timers.put(timer, dueNanos);
        }
    }

    void disarm(Timer timer) {
        timers.remove(timer);
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
        return retiring;
    }

    /** What it counts, or null if its group has no metrics. */
    public @Nullable Counters counters() {
        return counters;
    }

    /**
     * Counts an exception that has ended a connection, or its handler, if the peer has done that to its own connection: then
     * there is nothing to report. Any thread. What is counted is seen only in a group with metrics.
     *
     * @return whether it is one of {@link PeerFault}; otherwise it is to be {@linkplain #report reported}
     */
    public boolean countIfByPeer(Throwable cause) {
        PeerFault kind = PeerFault.of(cause);
        if (kind != null) {
            count(kind);
        }
        return kind != null;
    }

    /** Counts what a peer has done to its own connection. Any thread. */
    public void count(PeerFault kind) {
        if (counters != null) {
            counters.peerFault(kind);
        }
    }

    /** Who is told of connections, or null. */
    public @Nullable Observer observer() {
        return observer;
    }

    /** Tells an observer something; what it throws is reported. */
    public void tell(Runnable call) {
        try {
            call.run();
        } catch (Throwable e) {
            report("An observer of " + this + " threw", e);
        }
    }

    long actions() {
        return (long) ACTIONS.getOpaque(this);
    }

    /** Whether it waits for readiness, or does not run any more. */
    boolean isWaiting() {
        return (boolean) WAITING.getOpaque(this) || state == CLOSED;
    }

    StackTraceElement[] stack() {
        return thread.getStackTrace();
    }

    long pendingTasks() {
        return tasks.size();
    }

    /** Operations that are parked, at about this moment. */
    long parked() {
        long parked = 0;
        for (Pollable pollable : poller.watched()) {
            parked += pollable.parked();
        }
        return parked;
    }

    /** Whether a thread is that of an event loop. */
    public static boolean isLoopThread(Thread thread) {
        return thread instanceof LoopThread;
    }

    // The end

    /** Closes by itself when it watches nothing, and has no tasks and no timers. */
    void retire() {
        retiring = true;
        if (!inLoop()) {
            wakeIfAsleep();
        }
    }

    /**
     * Closes the loop: every descriptor on it is closed and its waiters are woken with "closed", tasks already queued
     * run, scheduled ones are cancelled. Waits until the thread has ended, unless called on an event loop. Can be
     * called again.
     */
    @Override
    public void close() {
        shutdown();
        if (current() == null) {
            awaitEnd();
        }
    }

    private void awaitEnd() {
        boolean interrupted = false;
        while (true) {
            try {
                ended.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // a half-closed loop is of no use to anybody
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Starts closing and returns. */
    @Override
    public void shutdown() {
        if (STATE.compareAndSet(this, RUNNING, CLOSING)) {
            if (!inLoop()) {
                wakeIfAsleep();
            }
        }
    }

    @Override
    public boolean isShutdown() {
        return state != RUNNING;
    }

    @Override
    public boolean isTerminated() {
        return ended.getCount() == 0;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return ended.await(timeout, unit);
    }

    private void end() {
        for (int pass = 0; pass < CLOSING_PASSES && !isQuiet(); pass++) {
            endPass();
        }
        poller.close(); // from here on nothing can be registered
        endPass();
        pipes.close();
        state = CLOSED; // from here on nothing can be queued
        runRemaining();
        runEndings();
        ended.countDown();
    }

    private boolean isQuiet() {
        return poller.size() == 0 && tasks.isEmpty() && timers.size() == 0;
    }

    private void endPass() {
        for (Pollable pollable : poller.watched()) {
            runGuarded(() -> pollable.pollerClosed(woken));
        }
        runWoken();
        runTasks(TASKS_A_TURN); // not all there are: a flood from outside may come in faster than it is run
        for (Timer timer; (timer = timers.first()) != null; ) {
            timers.remove(timer);
            abandon(timer);
        }
    }

    private void abandon(Timer timer) {
        if (timer.abandoned != null) {
            runGuarded(timer.abandoned);
        }
    }

    /** What was queued while the loop ended. The lock makes each caller the queue's only consumer in its turn. */
    private void runRemaining() {
        synchronized (ended) {
            runTasks(Integer.MAX_VALUE);
        }
    }

    /** The last that its thread does; under the lock, as tasks that came too late run on others. */
    private void runEndings() {
        synchronized (ended) {
            for (Runnable ending : endings) {
                runGuarded(ending);
            }
            endings.clear();
        }
    }

    /** Has something run when the loop ends, on its thread, after all tasks. To be called on the loop. */
    public void atEnd(Runnable ending) {
        endings.add(ending);
    }

    /** Takes an {@link #atEnd} back. On any thread. */
    public void forgetAtEnd(Runnable ending) {
        endings.remove(ending);
    }

    @Override
    public String toString() {
        return thread.getName();
    }
}
