package io.netpark.simulation.schedule;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The time, the chance and the order of the threads of a simulation, all of them from one seed. Of the threads that take part one runs at
 * a time. Which is next is drawn whenever the one that runs makes a system call that moves bytes or connections, or waits, and now and
 * then when it looks at the clock. While anybody can run the time stands still. When nobody can, it moves at once to the first instant
 * at which somebody can.
 *
 * <pre>{@code
 * Schedule schedule = new Schedule(42);
 * SimulatedKernel kernel = new SimulatedKernel(schedule);
 * schedule.run(() -> {
 *     try (EventLoopGroup group = EventLoopGroup.builder().libc(kernel).clock(schedule).open()) {
 *         …
 *         schedule.await(() -> answered);
 *     }
 *     return null;
 * });
 * }</pre>
 *
 * <p>Who takes part: the event loops whose group has this clock, from their start to their end; who is in {@link #run}; and the tasks of an
 * executor that has been {@linkplain #over wrapped}. Two runs of one seed make the same calls in the same order, as {@link #trace}
 * shows, if only those act that take part, and wait here for each other: in a call of the kernel, in {@link #await} or {@link #sleep}.
 *
 * <p>A thread that waits for something else, such as a monitor or a future, is found out after a while, and does not take part until it
 * comes back. A thread that does not take part may call the kernel. Then things happen when they happen, and the seed has no say in that.
 *
 * <p>If nothing can happen any more, whoever waits in {@link #await} is told by a {@link StuckException}, which says who waits where.
 * Whoever waits elsewhere meanwhile is interrupted, and is told at the end of its {@link #run}. The same goes for work without end:
 * {@link #limitSteps}.
 */
public final class Schedule extends Clock {

    private final long seed;
    private final VirtualClock time;
    private final Order order;
    private final Baton baton;
    private final Trace trace = new Trace();
    private final Executor ownThreads = over(Schedule::startThread);
    private final long start;
    /** Those who know more of who is stuck. */
    private final List<Supplier<String>> witnesses = new CopyOnWriteArrayList<>();

    /** @param seed everything that is drawn follows from it */
    public Schedule(long seed) {
        this(seed, new DrawnOrder(seed));
    }

    /** For an {@link Exploration}. */
    Schedule(ChosenOrder order) {
        this(0, order);
    }

    private Schedule(long seed, Order order) {
        this.seed = seed;
        this.time = new VirtualClock(seed);
        this.order = order;
        this.baton = new Baton(time, order);
        this.start = time.nanoTime();
    }

    /** What everything follows from; in an {@link Exploration} only what is drawn. */
    public long seed() {
        return seed;
    }

    /** The system calls so far. */
    public Trace trace() {
        return trace;
    }

    /** How many times so far several threads could have gone on, and one of them was chosen. */
    public long decisions() {
        return baton.decisions();
    }

    /** How much time has passed in the simulation. */
    public Duration elapsed() {
        return Duration.ofNanos(time.nanoTime() - start);
    }

    /**
     * The decisions that an {@link Exploration} is about begin here: what was before is always in the same order. Without an exploration
     * it does nothing.
     *
     * @throws IllegalStateException on a thread that does not take part
     */
    public void explore() {
        if (baton.current() == null) {
            throw new IllegalStateException(Thread.currentThread() + " does not take part: explore is for inside of run");
        }
        if (order instanceof ChosenOrder chosen) {
            chosen.begin(); // with the baton, so nobody decides meanwhile
        }
    }

    /**
     * Sets how much may happen while the time stands still. More is taken for work without end: whoever waits in {@link #await} is
     * told by a {@link StuckException}, which says who has done how much; if nobody waits there, whoever is in {@link #run}, where it
     * makes its next step. A step is a system call, a wait or a look at the clock that may change turns. Where nobody makes any there
     * is nothing to count. A program of many steps without latencies needs more than the default of 1 000 000, which take some seconds.
     *
     * Any thread may call this, at any time.
     *
     * @param most at least 1
     * @throws IllegalArgumentException if it is less
     */
    public void limitSteps(long most) {
        if (most < 1) {
            throw new IllegalArgumentException("there must be a step at least: " + most);
        }
        baton.limitSteps(most);
    }

    /**
     * Has somebody asked when whoever waits in {@link #await} is told by a {@link StuckException}: what is answered goes with the message.
     * The thread that is told asks, before it goes on. The witness may have it wait for others, as {@code EventLoopGroup.dump} does; their
     * calls are not in the trace.
     *
     * @param witness what it throws goes with the message instead
     */
    public void onStuck(Supplier<String> witness) {
        witnesses.add(witness);
    }

    // Taking part

    /**
     * Has the calling thread take part while it runs this. It waits until it is its turn. Inside another run of this schedule it just runs.
     *
     * @throws Exception what the body throws, with the seed and the last calls as a suppressed exception
     * @throws StuckException if nothing could happen any more, or too much while the time stood still ({@link #limitSteps}); what the body
     *     has thrown is suppressed
     */
    public <T> T run(Callable<T> body) throws Exception {
        if (baton.current() != null) {
            return body.call();
        }
        Participant me = baton.expect("test");
        me.isInRun = true;
        baton.begin(me);
        try {
            return callTold(me, body);
        } catch (Throwable e) {
            e.addSuppressed(new ReplayNote(order, trace));
            throw e;
        } finally {
            baton.leave(me);
        }
    }

    /** Somebody who was interrupted, because nothing could happen any more, is told so. */
    private static <T> T callTold(Participant me, Callable<T> body) throws Exception {
        try {
            return body.call();
        } catch (Throwable e) {
            if (me.interruptedWith == null) {
                throw e;
            }
            StuckException stuck = new StuckException(me.interruptedWith);
            stuck.addSuppressed(e);
            throw stuck;
        }
    }

    /** An executor whose tasks take part while they run. A task that has been passed on is waited for, so there must be threads enough. */
    @Override
    public Executor over(Executor executor) {
        return executor instanceof Joining joining && joining.schedule() == this ? executor : new Joining(executor);
    }

    /** Each task has a thread of its own, and takes part while it runs. */
    @Override
    public Executor overShared(Executor executor) {
        return ownThreads;
    }

    private static void startThread(Runnable task) {
        Thread thread = new Thread(null, task, "task of a schedule", 0, false);
        thread.setDaemon(true);
        thread.start();
    }

    /** See {@link #over}. */
    private final class Joining implements Executor {
        private final Executor executor;

        Joining(Executor executor) {
            this.executor = executor;
        }

        Schedule schedule() {
            return Schedule.this;
        }

        @Override
        public void execute(Runnable task) {
            Participant runner = baton.expect("task");
            try {
                executor.execute(() -> runAs(runner, task));
            } catch (Throwable e) { // there is no room for it
                baton.leave(runner);
                throw e;
            }
        }
    }

    @Override
    public Runnable starting(Runnable body) {
        Participant runner = baton.expect(null);
        return () -> runAs(runner, body);
    }

    private void runAs(Participant runner, Runnable body) {
        if (baton.current() != null) { // whoever was to start a thread for it runs it itself
            baton.leave(runner);
            body.run();
            return;
        }
        baton.begin(runner);
        try {
            body.run();
        } finally {
            baton.leave(runner);
        }
    }

    // Waiting

    /**
     * Waits until a condition holds, which others bring about.
     *
     * @param condition any thread looks at it whenever one of them waits; it must not wait, and not call the kernel
     * @throws IllegalStateException on a thread that does not take part
     * @throws StuckException if that cannot happen any more, or others work without end while the time stands still
     */
    public void await(BooleanSupplier condition) {
        if (!hasWaited(Due.FOREVER, condition, false)) {
            throw new IllegalStateException(Thread.currentThread() + " does not take part: await is for inside of run");
        }
    }

    /**
     * Waits for the result of a future, which others bring about.
     *
     * @throws ExecutionException if it fails
     * @throws IllegalStateException on a thread that does not take part
     * @throws StuckException if it cannot come any more, or others work without end while the time stands still
     */
    public <T extends @Nullable Object> T await(Future<T> future) throws ExecutionException, InterruptedException {
        await(future::isDone);
        return future.get();
    }

    /**
     * Lets time pass. What others have to do until then they do.
     *
     * @throws IllegalStateException on a thread that does not take part
     */
    public void sleep(Duration time) {
        long end = this.time.after(time);
        if (!hasWaited(Due.nanos(time), () -> end - this.time.nanoTime() <= 0, false)) {
            throw new IllegalStateException(Thread.currentThread() + " does not take part: sleep is for inside of run");
        }
    }

    @Override
    public boolean awaits(long nanos, BooleanSupplier condition) throws InterruptedException {
        if (!hasWaited(nanos, condition, true)) {
            return false;
        }
        if (!condition.getAsBoolean() && Thread.interrupted()) {
            throw new InterruptedException();
        }
        return true;
    }

    private boolean hasWaited(long nanos, BooleanSupplier condition, boolean interruptibly) {
        Participant me = baton.current();
        if (me == null) {
            return false;
        }
        if (!condition.getAsBoolean()) {
            try {
                if (nanos > 0) {
                    baton.sleep(me, nanos, condition, interruptibly);
                } else { // it is over already; while others work, nobody would see that
                    baton.come(me, me.place, true);
                }
            } catch (StuckException e) {
                throw explained(me, e);
            }
        }
        return true;
    }

    /** Asks the witnesses. While they have the thread wait it may be told again: then that is all they know. */
    private StuckException explained(Participant me, StuckException stuck) {
        if (me.isAsking || witnesses.isEmpty()) {
            return stuck;
        }
        StringBuilder text = new StringBuilder().append(stuck.getMessage());
        me.isAsking = true;
        trace.pause(true);
        try {
            witnesses.forEach(witness -> text.append(System.lineSeparator()).append(answer(witness)));
        } finally {
            trace.pause(false);
            me.isAsking = false;
        }
        return new StuckException(text.toString());
    }

    private static String answer(Supplier<String> witness) {
        try {
            return witness.get();
        } catch (StuckException e) {
            return "it could not be looked at closer: somebody works without end, or waits for ever";
        } catch (RuntimeException | Error e) {
            return "it could not be looked at closer: " + e;
        }
    }

    @Override
    public void park(Object blocker, long nanos) {
        Participant me = baton.current();
        if (me == null) {
            time.park(blocker, nanos);
        } else if (nanos > 0) {
            baton.sleep(me, nanos, null, false);
        }
    }

    /** Now and then others have their turn before. */
    @Override
    public long nanoTime() {
        Participant me = baton.current();
        if (me != null && me.busy == 0) {
            baton.looksAtClock(me);
        }
        return time.nanoTime();
    }

    @Override
    public long draw(long bound) {
        return time.draw(bound);
    }

    // For the timeline

    VirtualClock time() {
        return time;
    }

    void add(Timeline timeline) {
        baton.add(timeline);
    }

    /** Whether the calling thread takes part. */
    boolean hasCaller() {
        return baton.current() != null;
    }

    /** The calling thread keeps its turn from now on, whatever clock it looks at: it has, or is about to have, the timeline's lock. */
    void keepTurn() {
        Participant me = baton.current();
        if (me != null) {
            me.busy++;
        }
    }

    /** To be called after {@link #keepTurn}. */
    void stopKeepingTurn() {
        Participant me = baton.current();
        if (me != null) {
            me.busy--;
        }
    }

    /** The calling thread is about to make a call. */
    void before(String call, int fd, boolean mayPass) {
        Participant me = baton.current();
        if (me == null) {
            baton.noteStranger();
        } else {
            baton.come(me, Trace.name(call, fd), mayPass);
        }
    }

    /** The call has returned. */
    void after(String call, int fd, long result, boolean mayPass) {
        Participant me = baton.current();
        trace.add(me == null ? "a stranger" : me.name(), call, fd, result, elapsed());
        if (me != null && mayPass) {
            baton.returned(me);
        }
    }

    /** False if the thread does not take part. */
    boolean wake(@Nullable Thread thread) {
        return thread != null && baton.wake(thread);
    }

    @Override
    public String toString() {
        return "a schedule, " + order;
    }
}
