package io.netpark.simulation.schedule;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The order of all that happens in a simulation: one lock, in which every system call and every arrival happens, and the
 * appointments of a clock. Threads wait here, by that clock. If the clock is a {@link Schedule}, it says whose turn it is before each call.
 *
 * <p>Appointments are kept by whoever enters next, by threads that wait, and by who moves a {@link VirtualClock}. So nothing needs a
 * thread of its own.
 */
public final class Timeline {

    private final Clock clock;
    private final @Nullable Schedule schedule;
    private final ReentrantLock lock = new ReentrantLock();
    private final Agenda agenda = new Agenda();
    private final List<Thread> waiting = new ArrayList<>();

    /** @param clock the one of the event loops that run on it */
    public Timeline(Clock clock) {
        this.clock = clock;
        this.schedule = clock instanceof Schedule order ? order : null;
        if (schedule != null) {
            schedule.add(this);
            schedule.time().onMove(this::moved);
        } else if (clock instanceof VirtualClock virtual) {
            virtual.onMove(this::moved);
        }
    }

    /** The time has been moved. A thread that has reckoned how long it will wait, and does not wait yet, would not hear of it otherwise. */
    private void moved() {
        lock.lock();
        try {
            keepAppointments();
            waiting.forEach(LockSupport::unpark);
        } finally {
            lock.unlock();
        }
    }

    /** The time and the chance of the simulation. */
    public Clock clock() {
        return clock;
    }

    /**
     * Runs a system call, after all that was due before it. On any thread.
     *
     * @param fd the descriptor that it is about, or -1
     * @param mayPass whether others may have their turn before, and now and then after
     */
    public long enter(String name, int fd, boolean mayPass, LongSupplier call) {
        if (schedule == null) {
            return enter(call);
        }
        schedule.before(name, fd, mayPass);
        long result = enter(call);
        schedule.after(name, fd, result, mayPass);
        return result;
    }

    private long enter(LongSupplier call) {
        lock();
        try {
            keepAppointments();
            return call.getAsLong();
        } finally {
            unlock();
        }
    }

    /** Whoever has the lock keeps its turn as well, but where it waits: others would wait for the lock. */
    private void lock() {
        if (schedule != null) {
            schedule.keepTurn();
        }
        lock.lock();
    }

    private void unlock() {
        lock.unlock();
        if (schedule != null) {
            schedule.stopKeepingTurn();
        }
    }

    /** Looks at the state of the simulation, between two system calls. On any thread. */
    public <T> T look(Supplier<T> look) {
        lock();
        try {
            return look.get();
        } finally {
            unlock();
        }
    }

    /** Has something happen at an instant of the clock, in the lock. With the lock. */
    public Appointment at(long instant, Runnable action) {
        Agenda.Entry entry = agenda.add(instant, action);
        if (agenda.isFirst(entry)) {
            waiting.forEach(LockSupport::unpark); // they wait for a later one
        }
        return entry;
    }

    /** Wakes a thread that is in {@link #await}, or is about to be. With the lock. */
    public void wake(Thread thread) {
        if (schedule == null || !schedule.wake(thread)) {
            LockSupport.unpark(thread);
        }
    }

    /**
     * Waits without the lock until an instant, or until the thread is woken, or for no reason. An interrupt waits until later: no
     * system call of this library knows of it. With the lock.
     *
     * @param instant {@link Due#FOREVER} from now on, for no end
     */
    public void await(long instant) {
        if (schedule != null && schedule.hasCaller()) {
            lock.unlock();
            try {
                schedule.park(this, instant - clock.nanoTime());
            } finally {
                lock.lock();
            }
            keepAppointments();
        } else {
            awaitOnItsOwn(instant);
        }
    }

    private void awaitOnItsOwn(long instant) {
        Thread thread = Thread.currentThread();
        long now = clock.nanoTime();
        long nanos = Math.min(instant - now, agenda.nanosToFirst(now, Due.FOREVER));
        if (nanos > 0) {
            waiting.add(thread);
            boolean interrupted = false;
            lock.unlock();
            try {
                interrupted = Thread.interrupted(); // or it would not park at all
                clock.park(this, nanos);
                interrupted |= Thread.interrupted();
            } finally {
                if (interrupted) {
                    thread.interrupt();
                }
                lock.lock();
                waiting.remove(thread);
            }
        }
        keepAppointments();
    }

    /** How long it is to the first appointment; {@link Due#FOREVER} if there is none. Without the lock. */
    long nanosToFirst() {
        lock.lock();
        try {
            return agenda.nanosToFirst(clock.nanoTime(), Due.FOREVER);
        } finally {
            lock.unlock();
        }
    }

    private void keepAppointments() {
        for (Runnable due; (due = agenda.takeDue(clock.nanoTime())) != null; ) {
            due.run();
        }
    }
}
