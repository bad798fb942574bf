package io.netpark.simulation.schedule;

import io.netpark.core.sys.Due;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A thread, or a task for one, that takes part in a {@link Schedule}. All of it with the lock of the {@link Baton}.
 *
 * <pre>
 *   READY   --drawn--> has the baton --another is drawn--> READY
 *   has the baton --waits here--> ASLEEP --woken, its time has come, what it waits for holds--> READY
 *   has the baton --seen to wait elsewhere--> OUTSIDE --comes back--> READY
 * </pre>
 */
final class Participant {

    enum State { READY, ASLEEP, OUTSIDE }

    final int number;
    final @Nullable String label;
    /** Null before it has begun. */
    @Nullable Thread thread;
    State state = State.READY;
    /** ASLEEP until this instant, or longer if it is not {@link #isTimed}. */
    long due;
    boolean isTimed;
    /** ASLEEP until this holds; null for something else. */
    @Nullable BooleanSupplier condition;
    /** An interrupt ends its sleep. */
    boolean interruptible;
    /** It has been woken, perhaps before it slept. */
    boolean woken;
    /** It waits for the baton, and so for nothing else. */
    boolean atGate;
    /** Nothing can happen any more, and it is to say so where it sleeps: a report. */
    @Nullable String stuck;
    /** As {@link #stuck}, of one that waited elsewhere and was interrupted: it is to say so at its end. */
    @Nullable String interruptedWith;
    /** Where it is. */
    String place = "its beginning";
    /** It asks who knows more of who is stuck, and is not told of that again. Its own. */
    boolean isAsking;
    /** It is in the body of a run, and can be told anything where it comes to. */
    boolean isInRun;
    /** How many times it has come here since the time moved. */
    long steps;
    /** More than 0 where it keeps its turn whatever clock it looks at: in a system call, and where it is decided who is next. Its own. */
    int busy;

    /** @param label its name; null for that of its thread */
    Participant(int number, @Nullable String label) {
        this.number = number;
        this.label = label;
    }

    /** How long it is to its time; {@link Due#FOREVER} if it sleeps without one, or not at all. */
    long nanosToDue(long now) {
        return state == State.ASLEEP && isTimed ? Math.max(0, due - now) : Due.FOREVER;
    }

    boolean isAsleepOnCondition() {
        return state == State.ASLEEP && condition != null;
    }

    boolean isInterruptible() {
        return state == State.ASLEEP && interruptible;
    }

    /** Whether an interrupt has ended its sleep that it has not seen yet. */
    boolean isInterrupted() {
        Thread sleeper = thread;
        return interruptible && sleeper != null && sleeper.isInterrupted();
    }

    /** Whether what it sleeps for holds. One that throws does so again on its own thread. */
    boolean conditionHolds() {
        BooleanSupplier awaited = condition;
        try {
            return awaited == null || awaited.getAsBoolean();
        } catch (Throwable e) {
            return true;
        }
    }

    /** On its thread, where it has slept or comes to. */
    void throwIfStuck() {
        String told = stuck;
        stuck = null;
        if (told != null) {
            throw new StuckException(told);
        }
    }

    /** Whether its thread has ended, or waits for something that this schedule does not know. */
    boolean waitsElsewhere() {
        Thread runner = thread;
        return runner != null && !atGate && switch (runner.getState()) {
            case BLOCKED, WAITING, TIMED_WAITING, TERMINATED -> true;
            default -> false;
        };
    }

    String name() {
        return label != null ? label + " " + number : thread != null ? thread.getName() : "thread " + number;
    }

    /** For a report: who waits where, and for what. */
    String describe(long now) {
        String how = switch (state) {
            case READY -> "could go on in ";
            case OUTSIDE -> "waits for something of its own after ";
            case ASLEEP -> condition != null ? "waits for a condition in " : "waits in ";
        };
        return name() + " " + how + place + (nanosToDue(now) < Due.FOREVER ? " for another " + nanosToDue(now) + " ns" : "");
    }
}
