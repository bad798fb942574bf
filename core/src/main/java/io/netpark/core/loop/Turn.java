package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * What an event loop does again and again: wait for readiness; copy the woken waiters out of the whole batch; run them; run tasks, a
 * bounded number; run the timers that are due. What is left when a turn fails is where the next turn goes on.
 *
 * <p>Loop's thread only, but for {@link #runTasks}, which other threads call, one at a time, when the loop has ended.
 */
final class Turn {

    /** So that a flood of tasks does not keep readiness and timers waiting. */
    static final int MOST_TASKS = 1024;
    /** How often a loop that retires looks whether it may go: what leaves it from other threads does not wake it. */
    private static final long RETIREMENT_LOOK = TimeUnit.MILLISECONDS.toNanos(50);

    private final Clock clock;
    private final Poller poller;
    private final Lifetime lifetime;
    private final Reports reports;
    private final @Nullable Counters counters;
    final ReadyBatch batch;
    /** What is to be run, and where waiters go when there is no memory for another task. */
    private final Queue<Runnable> tasks;
    private final MpmcAtomicArrayQueue<Runnable> spare;
    final TimerQueue timers = new TimerQueue();
    final Sleep sleep;
    final Pulse pulse = new Pulse();

    Turn(Clock clock, Poller poller, Queue<Runnable> tasks, MpmcAtomicArrayQueue<Runnable> spare, Lifetime lifetime,
            Reports reports) {
        this.clock = clock;
        this.tasks = tasks;
        this.spare = spare;
        this.poller = poller;
        this.lifetime = lifetime;
        this.reports = reports;
        this.counters = reports.counters;
        this.batch = new ReadyBatch(poller, reports);
        this.sleep = new Sleep(poller, counters);
    }

    void run() throws NetparkException {
        if (batch.isEmpty()) { // otherwise the last turn has failed before it was through with it
            waitSeen();
        }
        batch.deliver(this);
        // The tasks that are queued by now: a task that queues itself again, to yield, lets the poller have its turn first.
        boolean ranTasks = runTasks(Math.min(tasks.size(), MOST_TASKS));
        boolean ranTimers = runTimers();
        if (counters != null) {
            reports.turnTook(counters.turnEnds(timers.size(), ranTasks || ranTimers), counters);
        }
        if (lifetime.isRetiring() && isQuiet() && poller.seal()) { // sealed first: a connection that comes now must go elsewhere
            lifetime.beginClosing();
        }
    }

    /** Whether nothing is left of the loop: no descriptor, no task, no timer but that of its reports. */
    boolean isQuiet() {
        return poller.size() == 0 && !hasTasks() && timers.size() == reports.timers();
    }

    /** Whether tasks are queued. Any thread. */
    boolean hasTasks() {
        return !tasks.isEmpty() || !spare.isEmpty();
    }

    private void waitSeen() throws NetparkException {
        pulse.waiting(true);
        try {
            int found = waitForReadiness();
            if (counters != null) {
                counters.turnBegins(found); // first: who sees that the loop does not wait any more is to see since when
            }
        } finally {
            pulse.waiting(false);
        }
    }

    private int waitForReadiness() throws NetparkException {
        if (hasTasks()) {
            return batch.await(0);
        }
        Timer first = timers.first();
        long timeout = first == null ? -1 : Math.max(0, first.dueNanos - clock.nanoTime());
        if (timeout == 0) {
            return batch.await(0);
        }
        sleep.begin();
        if (lifetime.isRetiring()) { // looked at when whoever sets it can see that this sleeps
            timeout = timeout < 0 ? RETIREMENT_LOOK : Math.min(timeout, RETIREMENT_LOOK);
        }
        if (hasTasks() || !lifetime.isRunning()) {
            timeout = 0;
        }
        try {
            return batch.await(timeout);
        } finally {
            sleep.end();
        }
    }

    /** Returns whether there were any. */
    boolean runTasks(int most) {
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
        return ran > 0;
    }

    /** Returns whether any were due. */
    private boolean runTimers() {
        Timer first = timers.first();
        if (first == null) {
            return false;
        }
        boolean ran = false;
        // At most as many as there are, and the clock is read once: what an action arms, for now or for an instant that has
        // passed, lets other work pass first.
        long now = clock.nanoTime();
        for (int left = timers.size(); left > 0 && (first = timers.first()) != null && first.dueNanos - now <= 0; left--) {
            timers.remove(first);
            runGuarded(first.action);
            ran = true;
        }
        return ran;
    }

    /** The loop closes: no timer's time will come. */
    void abandonTimers() {
        for (Timer timer; (timer = timers.first()) != null; ) {
            timers.remove(timer);
            abandon(timer);
        }
    }

    void abandon(Timer timer) {
        if (timer.abandoned != null) {
            runGuarded(timer.abandoned);
        }
    }

    /** Runs user code: here, and in {@link EventLoop#leaveUserCode}, is what holds for all of it. */
    void runGuarded(Runnable action) {
        pulse.beat();
        try {
            action.run();
        } catch (Throwable e) {
            reports.taskThrew(e);
        } finally {
            EventLoop.leaveUserCode(); // not on a thread that runs what came too late: the flag is that thread's
        }
    }
}
