package io.netpark.simulation.schedule;

import io.netpark.core.sys.Due;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the one thread has that runs. Who gets it next is drawn by lot among those that can go on. If nobody can, the time moves to the
 * first instant at which somebody can; if there is none, somebody is told that nothing can happen any more.
 *
 * <p>A thread that has the baton and waits for something else (a monitor, a future) is seen to do so by those that wait for the baton, and
 * loses it. It goes on without the baton, once it can, until it comes here again. So the world does not stand still, but where it goes on
 * is not the seed's alone.
 */
final class Baton {

    /** How often those that wait look at who has the baton. */
    private static final long LOOK = TimeUnit.MILLISECONDS.toNanos(20);
    /** Who waits elsewhere for as long, at every look, has lost it. Long, as machines are busy: the order suffers if that is wrong. */
    private static final long ELSEWHERE = TimeUnit.MILLISECONDS.toNanos(400);
    /** Before time moves, those that wait elsewhere get as long to come back. */
    private static final long RETURN = TimeUnit.MILLISECONDS.toNanos(10);
    /** How long it may take that somebody comes who does not take part, and so cannot be waited for. */
    private static final long HELP = TimeUnit.SECONDS.toNanos(5);
    private static final long MOST_STEPS = 1_000_000;

    private final VirtualClock time;
    private final Order order;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition returned = lock.newCondition();
    private final List<Timeline> timelines = new CopyOnWriteArrayList<>();
    private final ThreadLocal<@Nullable Participant> current = new ThreadLocal<>();
    /** With the lock, as all below. */
    private final Crowd crowd = new Crowd();
    private int numbers;
    private @Nullable Participant holder;
    /** Whoever has it is about to give it away. */
    private boolean deciding;
    /** Moves on whenever the thread that has the baton does something here. */
    private long steps;
    /** How many steps of threads there may be while the time stands still. */
    private long mostSteps = MOST_STEPS;
    /** How many there were since the time moved, or since it was told that it does not. */
    private long stepsInTime;
    /** How often one of several was chosen. */
    private long decisions;
    /** Threads that do not take part make calls as well. */
    private boolean strangers;
    /** Since when nothing could happen, by the clock of the system; null if something can. */
    private @Nullable Long idleSince;
    /** What was seen at the last looks: nothing moved since then. */
    private long stepsSeen = -1;
    private long seenSince;

    Baton(VirtualClock time, Order order) {
        this.time = time;
        this.order = order;
    }

    void add(Timeline timeline) {
        timelines.add(timeline);
    }

    void limitSteps(long most) {
        lock.lock();
        mostSteps = most;
        lock.unlock();
    }

    long decisions() {
        lock.lock();
        try {
            return decisions;
        } finally {
            lock.unlock();
        }
    }

    /** The calling thread, if it takes part. */
    @Nullable Participant current() {
        return current.get();
    }

    /** A thread that does not take part makes a call. */
    void noteStranger() {
        lock.lock();
        strangers = true;
        lock.unlock();
    }

    // Coming and going

    /** Somebody who will {@link #begin}. From now on others wait for it, if it is drawn. */
    Participant expect(@Nullable String label) {
        lock.lock();
        try {
            Participant added = new Participant(++numbers, label);
            crowd.add(added);
            offer();
            return added;
        } finally {
            lock.unlock();
        }
    }

    /** The calling thread is a participant from now on, and returns with the baton. */
    void begin(Participant me) {
        lock.lock();
        try {
            crowd.begins(me);
            current.set(me);
            regain(me);
            awaitTurn(me);
        } finally {
            lock.unlock();
        }
    }

    /** It takes part no more. By its thread, or by whoever knows that it will have none. */
    void leave(Participant me) {
        boolean had;
        lock.lock();
        try {
            crowd.remove(me);
            if (me.thread != null) {
                current.remove();
            }
            had = holder == me;
        } finally {
            lock.unlock();
        }
        if (had) {
            handOver(me);
        }
    }

    /**
     * The calling thread comes to a place where it may be another's turn. Returns with the baton.
     *
     * @throws StuckException in the body of a run, if too much has happened while the time stood still
     */
    void come(Participant me, String place, boolean mayPass) {
        lock.lock();
        try {
            regain(me);
            me.place = place;
            countStep(me);
            me.throwIfStuck();
        } finally {
            lock.unlock();
        }
        if (!mayPass) {
            return;
        }
        lookAtConditions(me);
        lock.lock();
        try {
            List<Participant> ready = crowd.ready();
            Participant next = ready.size() == 1 ? me : choose(ready, me);
            if (next != me && !Monitors.callerHoldsAny()) { // others would wait for the monitor, and not for the baton
                pass(next);
                awaitTurn(me);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The calling thread looks at the clock, and others may have their turn before: not each time. */
    void looksAtClock(Participant me) {
        lock.lock();
        boolean dawdles;
        try {
            dawdles = holder == me && order.mayPassAtClock();
        } finally {
            lock.unlock();
        }
        if (dawdles && !Monitors.callerHoldsAny()) { // often one does, and a decision that changes nothing is none
            come(me, me.place, true);
        }
    }

    /** A call has returned, and others may have their turn before the calling thread sees what it says: not each time. */
    void returned(Participant me) {
        lock.lock();
        boolean dawdles;
        try {
            dawdles = holder == me && order.mayPassAfterCall();
        } finally {
            lock.unlock();
        }
        if (dawdles) {
            come(me, me.place, true);
        }
    }

    /**
     * Waits until the time is over, or the condition holds, or without a condition until the thread is woken. Returns with the baton.
     *
     * @param nanos {@link Due#FOREVER} for no end
     * @param interruptibly whether an interrupt ends it, too; the thread stays interrupted in any case
     * @throws StuckException with a condition, if it cannot come to hold any more
     */
    void sleep(Participant me, long nanos, @Nullable BooleanSupplier condition, boolean interruptibly) {
        lock.lock();
        try {
            regain(me);
            countStep(me);
            me.throwIfStuck();
            if (condition == null && me.woken) {
                me.woken = false;
                return;
            }
            me.condition = condition;
            me.interruptible = interruptibly;
            me.isTimed = nanos < Due.FOREVER;
            me.due = time.after(nanos);
            me.state = Participant.State.ASLEEP;
        } finally {
            lock.unlock();
        }
        handOver(me);
        lock.lock();
        try {
            awaitTurn(me);
            me.condition = null;
            me.woken = false;
            me.throwIfStuck();
        } finally {
            lock.unlock();
        }
    }

    /** Wakes a thread that sleeps without a condition, or is about to. False if it does not take part. */
    boolean wake(Thread thread) {
        lock.lock();
        try {
            Participant sleeper = crowd.of(thread);
            if (sleeper == null) {
                return false;
            }
            sleeper.woken = true;
            if (sleeper.state == Participant.State.ASLEEP && sleeper.condition == null) {
                sleeper.state = Participant.State.READY;
                offer();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    // Passing it on

    private void pass(Participant to) {
        holder = to;
        idleSince = null;
        steps++;
        LockSupport.unpark(to.thread);
    }

    private boolean passToReady() {
        List<Participant> ready = crowd.ready();
        if (ready.isEmpty()) {
            return false;
        }
        pass(ready.size() == 1 ? ready.get(0) : choose(ready, null));
        return true;
    }

    private Participant choose(List<Participant> ready, @Nullable Participant running) {
        decisions++;
        return order.next(ready, running);
    }

    /** Somebody can go on, and perhaps nobody has the baton. */
    private void offer() {
        if (holder == null) {
            passToReady();
        }
    }

    private void regain(Participant me) {
        if (me.state == Participant.State.OUTSIDE) {
            me.state = Participant.State.READY;
            returned.signalAll();
            offer();
            awaitTurn(me);
        }
    }

    private void awaitTurn(Participant me) {
        boolean interrupted = false;
        me.atGate = true;
        while (holder != me) {
            if (Thread.interrupted()) { // with the lock: either this is seen, or the flag
                interrupted = true; // it waits until later, as in Timeline
                if (me.isInterruptible()) {
                    me.state = Participant.State.READY;
                    offer();
                    continue;
                }
            }
            lock.unlock();
            try {
                LockSupport.parkNanos(this, LOOK);
            } finally {
                lock.lock();
            }
            if (holder != me) {
                look(me);
            }
        }
        me.atGate = false;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives the baton to whoever can go on, or moves the time until somebody can. By who has it, without the lock. */
    private void handOver(Participant me) {
        me.busy++; // the timelines look at the clock
        try {
            decide(me);
        } finally {
            me.busy--;
        }
    }

    private void decide(Participant me) {
        lock.lock();
        deciding = true;
        lock.unlock();
        while (true) {
            lookAtConditions(me);
            long nanos = Due.FOREVER;
            for (Timeline timeline : timelines) { // without the lock: theirs comes first
                nanos = Math.min(nanos, timeline.nanosToFirst());
            }
            lock.lock();
            try {
                nanos = Math.min(nanos, crowd.nanosToFirst(time.nanoTime()));
                boolean passed = passToReady();
                if (passed || nanos == Due.FOREVER) {
                    deciding = false;
                    if (!passed) {
                        rest();
                    }
                    return;
                }
                if (anyReturns()) {
                    continue;
                }
            } finally {
                lock.unlock();
            }
            time.advance(Duration.ofNanos(nanos));
            lock.lock();
            if (nanos > 0) {
                stepsInTime = 0;
                crowd.forgetSteps();
            } else {
                countStep(me);
            }
            crowd.wakeDue(time.nanoTime());
            lock.unlock();
        }
    }

    /** Nobody can tell work without end from much work. But it is told if there is very much while the time stands still. */
    private void countStep(Participant me) {
        steps++;
        me.steps++;
        if (++stepsInTime > mostSteps) {
            crowd.tellBusy(StuckException.busy(mostSteps, order, crowd.busyReport(time.nanoTime())));
            stepsInTime = 0; // as many until the next is told
            crowd.forgetSteps();
        }
    }

    /** By who has the baton, without the lock: conditions are others' code. */
    private void lookAtConditions(Participant me) {
        lock.lock();
        List<Participant> waiting = crowd.all(Participant::isAsleepOnCondition);
        lock.unlock();
        me.busy++; // they may look at the clock
        try {
            for (Participant each : waiting) {
                if (each.isInterrupted() || each.conditionHolds()) {
                    lock.lock();
                    each.state = Participant.State.READY;
                    lock.unlock();
                }
            }
        } finally {
            me.busy--;
        }
    }

    /** Waits a moment for those that wait elsewhere, longer for those that do not wait any more. Returns whether any has come back. */
    private boolean anyReturns() {
        long start = System.nanoTime();
        while (!crowd.outside().isEmpty() && crowd.ready().isEmpty()) {
            long waited = System.nanoTime() - start;
            if (waited > HELP || waited > RETURN && crowd.outside().stream().allMatch(Participant::waitsElsewhere)) {
                return false;
            }
            try {
                returned.awaitNanos(RETURN);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return !crowd.ready().isEmpty();
    }

    // Nobody can go on

    /** Nobody has the baton, until somebody comes from outside. If nobody can, or nobody does, that is told. */
    private void rest() {
        holder = null;
        long now = System.nanoTime();
        idleSince = idleSince == null ? now : idleSince;
        boolean mayBeHelped = strangers || !crowd.outside().isEmpty();
        if (!mayBeHelped || now - idleSince > HELP) {
            Participant told = crowd.tellStuck(time.nanoTime());
            if (told != null) {
                pass(told); // it is enough: the others can go on, or are told next
            }
        }
    }

    /** Those who wait for the baton look whether that has a sense. */
    private void look(Participant me) {
        if (deciding) {
            return;
        }
        Participant seen = holder;
        if (seen == null) {
            decideInstead(me);
            return;
        }
        long now = System.nanoTime();
        boolean isGone = seen.thread == null && now - seenSince > HELP; // it could not be started
        if (steps != stepsSeen || !seen.waitsElsewhere() && seen.thread != null) {
            stepsSeen = steps;
            seenSince = now;
        } else if (isGone || seen.thread != null && now - seenSince > ELSEWHERE) {
            if (seen.thread != null && seen.thread.getState() == Thread.State.TERMINATED) {
                crowd.remove(seen);
            }
            seen.state = Participant.State.OUTSIDE;
            decideInstead(me);
        }
    }

    private void decideInstead(Participant me) {
        holder = me;
        lock.unlock();
        try {
            handOver(me);
        } finally {
            lock.lock();
        }
    }
}
