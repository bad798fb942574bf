package io.netpark.core.loop;

import io.netpark.core.poll.Poller;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The end of an event loop, on its own thread: everything watched is closed; its waiters and the tasks run; timers are abandoned;
 * what the loop has kept for others is given up.
 *
 * <p>Tasks of other threads may come too late for that. The loop's thread runs them when it has ended the loop, and from then on whoever
 * has queued them, one at a time:
 *
 * <pre>
 *   a task is queued --the loop has not ended--> nothing more to do: its thread looks once more when it has
 *                    --it has, nobody is at it--> this thread runs what there is, then looks once more
 *                    --another is at it--------> nothing more to do: that one looks once more
 * </pre>
 *
 * <p>Nobody waits for whoever is at it. That may be a thread in the midst of something, with locks, and what it runs may wait for
 * others: for the end of this very loop, say.
 */
final class Closing {

    /** Passes over the queue; a task that queues itself again for longer than that is refused. */
    private static final int PASSES = 100;

    private final EventLoop loop;
    private final Turn turn;
    private final Poller poller;
    private final PipePool pipes;
    private final Lifetime lifetime;
    private final Reports reports;
    /** Made beforehand: there may be no memory when it is needed. */
    private final Consumer<Throwable> failed;
    /** Tasks of objects that have left something with the loop: each gives up what is its own. */
    private final Set<Runnable> endings = ConcurrentHashMap.newKeySet();
    /** Once the loop is handed over: a thread runs what is left. It alone takes from the queue. */
    private final AtomicBoolean busy = new AtomicBoolean();

    Closing(EventLoop loop, Turn turn, Poller poller, PipePool pipes, Lifetime lifetime, Reports reports) {
        this.loop = loop;
        this.turn = turn;
        this.poller = poller;
        this.pipes = pipes;
        this.lifetime = lifetime;
        this.reports = reports;
        this.failed = reports::taskThrew;
    }

    /** As {@link EventLoop#atEnd}. */
    void add(Runnable ending) {
        endings.add(ending);
    }

    /** As {@link EventLoop#forgetAtEnd}. */
    void forget(Runnable ending) {
        endings.remove(ending);
    }

    void run() {
        for (int pass = 0; pass < PASSES && !turn.isQuiet(); pass++) {
            pass();
        }
        try {
            poller.close(); // from here on nothing can be registered
        } catch (Throwable e) {
            reports.taskThrew(e);
        }
        pass();
        try {
            pipes.close();
        } catch (Throwable e) {
            reports.taskThrew(e);
        }
        lifetime.closed(); // from here on tasks queue no tasks
        turn.runTasks(Turn.MOST_TASKS); // the others when the loop is handed over, and takes none
        for (Runnable ending : endings) {
            turn.runGuarded(ending);
        }
        endings.clear();
        Throwable lost = lifetime.failure();
        if (lost != null) {
            reports.lost(loop, lost);
        }
    }

    private void pass() {
        try {
            poller.tellClosed(turn.batch.woken, failed);
            turn.batch.runWoken(turn);
            turn.runTasks(Turn.MOST_TASKS); // not all there are: a flood from outside may come in faster than it is run
            turn.abandonTimers();
        } catch (Throwable e) {
            reports.taskThrew(e);
        }
    }

    /** Runs what was queued while the loop ended, on any thread, or leaves it to the thread that is at it. Never waits. */
    void runRemaining() {
        while (lifetime.isHandedOver() && turn.hasTasks() && busy.compareAndSet(false, true)) {
            try {
                turn.runTasks(Integer.MAX_VALUE);
            } finally {
                busy.set(false); // before the next look: who has queued a task and found this busy relies on that
            }
        }
    }
}
