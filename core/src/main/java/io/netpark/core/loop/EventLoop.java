package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Due;
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
import java.util.function.Consumer;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * One thread, one poller, one queue of tasks, one queue of timers. A turn of the loop is: wait for readiness; copy the
 * woken waiters out of the whole batch; run them; run tasks, a bounded number; run the timers that are due.
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
    private static final int TURN_FAILURES = 100;
    /** How often one that waits for the end of a loop looks whether that can come. */
    private static final long EXIT_LOOK = TimeUnit.MILLISECONDS.toNanos(100);
    /** How often a loop that retires looks whether it may go: what leaves it from other threads does not wake it. */
    private static final long RETIREMENT_LOOK = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long TURN_FAILURE_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);

    private final LibC libc;
    private final Poller poller;
    private final Reporter reporter;
    private final int processor;
    private final @Nullable Counters counters;
    private final @Nullable Observer observer;
    private final Thread thread;
    private final Queue<Runnable> tasks = new MpscUnboundedAtomicArrayQueue<>(1024);
    /** For waiters, when there is no memory for another task: who has been taken out of its slot must not be lost. */
    private final MpmcAtomicArrayQueue<Runnable> spare = new MpmcAtomicArrayQueue<>(1024);
    private final TimerQueue timers = new TimerQueue();
    private final ReadyBatch batch;
    private final PipePool pipes;
    /** What it keeps for others, to be given up when it ends. */
    private final Set<Runnable> endings = ConcurrentHashMap.newKeySet();
    private final CountDownLatch ended = new CountDownLatch(1);
    /** Made beforehand, as the next: there may be no memory when it is needed. */
    private final String taskThrew;
    private final Consumer<Throwable> failed;
    /** Turns that have failed one after another. */
    private int failures;
    /** Those of them that no want of memory explains. */
    private int pollerFailures;
    /** Why it ends though nobody has closed it. */
    private volatile @Nullable Throwable failure;

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
        this.batch = new ReadyBatch(poller);
        this.taskThrew = "A task on " + name + " threw; the loop goes on";
        this.failed = e -> report(taskThrew, e);
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
    static EventLoop open(
            String name, boolean daemon, LibC libc, Poller.Factory pollers, Reporter reporter)
            throws NetparkException {
        return open(name, daemon, ANY_PROCESSOR, libc, pollers, reporter, null, null);
    }

    /** As the other, on one processor only; if that is refused, it is reported, and the loop runs on any. */
    static EventLoop open(
            String name, boolean daemon, int processor, LibC libc, Poller.Factory pollers, Reporter reporter,
            @Nullable Counters counters, @Nullable Observer observer) throws NetparkException {
        Poller poller = pollers.open(libc);
        try {
            EventLoop loop = new EventLoop(name, daemon, processor, libc, poller, reporter, counters, observer);
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

    /** What this loop waits with. */
    public Poller poller() {
        return poller;
    }

    /** Where this loop reports to. */
    Reporter reporter() {
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

    /** No Throwable of any kind ends the thread before the loop is CLOSED; what catches one needs no memory for that. */
    private void run() {
        pin();
        while (state == RUNNING) {
            try {
                turn();
                failures = pollerFailures = 0;
            } catch (Throwable e) {
                try {
                    turnFailed(e);
                } catch (Throwable ignored) {
                    // A class that it needs could not be loaded.
                }
            }
        }
        try {
            end();
        } catch (Throwable e) {
            report(taskThrew, e);
        } finally {
            state = CLOSED;
            ended.countDown();
        }
    }

    private void pin() {
        if (processor != ANY_PROCESSOR) {
            try {
                Affinity.pin(libc, processor);
            } catch (Throwable e) {
                reportFailure("It cannot be bound, and runs on any processor:", this, e);
            }
        }
    }

    /**
     * User code is guarded by itself, so this is the poller, or there is no memory. The latter passes, and so do some failures of
     * the former; the next turn goes on where this one has stopped.
     */
    private void turnFailed(Throwable e) {
        failures++;
        if (!(e instanceof VirtualMachineError)) {
            pollerFailures++;
        }
        if (pollerFailures == TURN_FAILURES && state == RUNNING) {
            failure = e;
            state = CLOSING;
            reportFailure("The poller keeps failing, and the loop closes:", this, e);
        } else if (failures == 1) {
            reportFailure(e instanceof NetparkException
                    ? "The poller failed, and is tried again:" : "A turn failed, and the loop goes on:", this, e);
        }
        if (failures > 1 || e instanceof NetparkException) {
            pauseAfterFailure();
        }
    }

    private static void pauseAfterFailure() {
        long end = Due.in(TURN_FAILURE_PAUSE);
        for (long left = TURN_FAILURE_PAUSE; left > 0; left = end - System.nanoTime()) {
            Thread.interrupted(); // or it would not pause
            LockSupport.parkNanos(left);
        }
    }

    private void turn() throws NetparkException {
        if (batch.isEmpty()) { // otherwise the last turn has failed before it was through with it
            int found = waitCounted();
            if (counters != null) {
                counters.turnBegins(found);
            }
        }
        batch.deliver(this);
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

    private int waitCounted() throws NetparkException {
        WAITING.setOpaque(this, true);
        try {
            return waitForReadiness();
        } finally {
            WAITING.setOpaque(this, false);
        }
    }

    private int waitForReadiness() throws NetparkException {
        if (hasTasks()) {
            return batch.await(0);
        }
        Timer first = timers.first();
        long timeout = first == null ? -1 : Math.max(0, first.dueNanos - System.nanoTime());
        if (timeout == 0) {
            return batch.await(0);
        }
        sleep = ASLEEP;
        if (retiring) { // looked at when whoever sets it can see that this sleeps
            timeout = timeout < 0 ? RETIREMENT_LOOK : Math.min(timeout, RETIREMENT_LOOK);
        }
        if (hasTasks() || state != RUNNING) {
            timeout = 0;
        }
        try {
            return batch.await(timeout);
        } finally {
            sleep = AWAKE;
        }
    }

    private void runTasks(int most) {
        Runnable task;
        int ran = 0;
        for (; ran < most && (task = tasks.poll()) != null; ran++) {
            runGuarded(task);
        }
        for (; (task = spare.poll()) != null; ran++) {
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
        // At most as many as there are, and the clock is read once: what an action arms, for now or for an instant that has
        // passed, lets other work pass first.
        long now = System.nanoTime();
        for (int left = timers.size(); left > 0 && (first = timers.first()) != null && first.dueNanos - now <= 0; left--) {
            timers.remove(first);
            runGuarded(first.action);
        }
    }

    /** Runs user code: here, and by {@link #leaveUserCode}, is what holds for all of it. */
    void runGuarded(Runnable action) {
        ACTIONS.setOpaque(this, actions + 1);
        try {
            action.run();
        } catch (Throwable e) {
            report(taskThrew, e);
        } finally {
            leaveUserCode(); // not on a thread that runs what came too late: the flag is that thread's
        }
    }

    /**
     * To be called after each piece of user code by who runs several of different owners in one action, a task or a waiter: an
     * interrupt flag that one has left behind must not reach the next, where it would close a file's channel (see
     * {@link java.nio.channels.ClosedByInterruptException}). After an action the loop does it. Does nothing on other threads.
     */
    public static void leaveUserCode() {
        if (Thread.currentThread() instanceof LoopThread) {
            Thread.interrupted();
        }
    }

    /** Passes something on to the {@link Reporter} of this loop, which cannot harm it. */
    public void report(String what, Throwable cause) {
        try {
            LastResort.report(reporter, what, cause);
        } catch (Throwable ignored) {
            // Not even this could be called. What catches an error to report it must go on.
        }
    }

    /** As {@link #report}, where nothing may be thrown: the text is made inside, or there may be no memory for it. */
    void reportFailure(String what, Object of, Throwable cause) {
        String text = what;
        try {
            text = what + " " + of;
        } catch (Throwable ignored) {
            // It is said without a name.
        }
        report(text, cause);
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
        queued();
        return true;
    }

    private void queued() {
        if (!inLoop()) {
            wakeIfAsleep();
            if (state == CLOSED) {
                runRemaining();
            }
        }
    }

    /**
     * Runs a waiter that has been taken out of its slot, so that nobody else knows of it: as a task, also if there is no memory
     * for another; on the calling thread if the loop is closed.
     */
    public void wake(Runnable waiter) {
        if (state == CLOSED) {
            waiter.run();
            return;
        }
        try {
            tasks.add(waiter);
        } catch (OutOfMemoryError e) { // the queue is as it was
            if (!spare.offer(waiter)) {
                throw e;
            }
        }
        queued();
    }

    private boolean hasTasks() {
        return !tasks.isEmpty() || !spare.isEmpty();
    }

    private void wakeIfAsleep() {
        if (sleep == ASLEEP && SLEEP.compareAndSet(this, ASLEEP, AWAKE)) {
            try {
                poller.wakeup();
            } catch (Throwable e) { // StackOverflowError, say: it sleeps on, and the next who comes must see that
                sleep = ASLEEP;
                throw e;
            }
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

    /** Counts bytes that were put into a connection's output and will never be written. Any thread. */
    public void countDropped(long bytes) {
        if (counters != null && bytes > 0) {
            counters.dropped(bytes);
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
            reportFailure("It is observed, and the observer threw:", this, e);
        } finally {
            leaveUserCode();
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

    /** What it has counted up to now, or null if it counts nothing. */
    @Nullable LoopSnapshot snapshot() {
        return counters == null ? null : counters.snapshot(toString(), descriptors(), parked(), tasks.size());
    }

    /** Operations that are parked, at about this moment. */
    private long parked() {
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
     * run, scheduled ones are cancelled. Waits until the thread has ended, unless called on an event loop; and unless that
     * thread is in {@link Runtime#exit}, which waits for the shutdown hook that may be calling this. Can be called again.
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
                if (ended.await(EXIT_LOOK, TimeUnit.NANOSECONDS) || Exit.isIn(thread)) {
                    break;
                }
            } catch (InterruptedException e) {
                interrupted = true; // a half-closed loop is of no use to anybody
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
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

    /**
     * Waits until the thread has ended.
     *
     * @throws IllegalStateException if called on it
     */
    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        if (!isTerminated()) {
            requireElsewhere("await the end");
        }
        return ended.await(timeout, unit);
    }

    /** Why the loop has ended, or is about to, though nobody has closed it; null if that is not so. */
    public @Nullable Throwable failure() {
        return failure;
    }

    private void end() {
        for (int pass = 0; pass < CLOSING_PASSES && !isQuiet(); pass++) {
            endPass();
        }
        try {
            poller.close(); // from here on nothing can be registered
        } catch (Throwable e) {
            report(taskThrew, e);
        }
        endPass();
        try {
            pipes.close();
        } catch (Throwable e) {
            report(taskThrew, e);
        }
        state = CLOSED; // from here on nothing can be queued
        runRemaining();
        runEndings();
        Throwable lost = failure;
        if (lost != null) {
            sayLost(lost);
        }
    }

    /** A program may be about to end for want of threads. */
    private void sayLost(Throwable why) {
        LastResort.print("An event loop of Netpark has ended by a failure, and closed what lived on it", why);
        Observer told = observer;
        if (told != null) {
            try {
                told.lost(this, why);
            } catch (Throwable e) {
                report(taskThrew, e);
            }
        }
    }

    private boolean isQuiet() {
        return poller.size() == 0 && !hasTasks() && timers.size() == 0;
    }

    private void endPass() {
        try {
            poller.tellClosed(batch.woken, failed);
            batch.runWoken(this);
            runTasks(TASKS_A_TURN); // not all there are: a flood from outside may come in faster than it is run
            for (Timer timer; (timer = timers.first()) != null; ) {
                timers.remove(timer);
                abandon(timer);
            }
        } catch (Throwable e) {
            report(taskThrew, e);
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
