package io.netpark.core.sys;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The time and the chance of a group of event loops. Everything in Netpark that reads a clock, waits on a thread or draws lots
 * asks the clock of its group, so a test can put its own time under one group and leave the others alone. Each event loop hands
 * its clock out.
 *
 * <p>Instants are values of {@link #nanoTime}. They are compared by difference, and mean nothing to another clock.
 *
 * <p>A class and not an interface: the JVM calls the one subclass that is loaded without a dispatch. Implementations are safe
 * for use by any thread, and {@link #nanoTime} never goes back. An implementation whose time is moved by hand wakes the event
 * loops after a move, by a task on each; a sleeping loop does not see it otherwise.
 */
public abstract class Clock {

    /** The time of {@link System#nanoTime}, and the chance of {@link ThreadLocalRandom}. */
    public static final Clock SYSTEM = new SystemClock();

    /** For subclasses. */
    protected Clock() {}

    /** Now, in nanoseconds since some instant, which may lie in the future. */
    public abstract long nanoTime();

    /**
     * Draws a number by lot, every one as likely as the next.
     *
     * @param bound positive
     * @return from 0 to {@code bound - 1}
     */
    public abstract long draw(long bound);

    /** As {@link #draw(long)}. */
    public final int draw(int bound) {
        return (int) draw((long) bound);
    }

    /**
     * Parks the calling thread as {@link LockSupport#parkNanos(Object, long)} does, by the time of this clock: until the time is
     * over, or the thread is unparked or interrupted, or for no reason.
     */
    public abstract void park(Object blocker, long nanos);

    // For a clock that has its own order in which threads run

    /**
     * What is to be run instead of {@code body} by a thread of the group that is about to be started. So a clock that says which thread
     * runs when learns of each thread. Called by whoever starts it. Here {@code body} itself.
     */
    public Runnable starting(Runnable body) {
        return body;
    }

    /**
     * Who is to be given tasks instead of {@code executor}, whose threads are not of the group: so such a clock learns of each task. Here
     * {@code executor} itself.
     */
    public Executor over(Executor executor) {
        return executor;
    }

    /**
     * As {@link #over}, of an executor that all groups share. It may have fewer threads than there are tasks, and such a clock may be about
     * to have any of them run: then it gives each a thread of its own instead. Here {@code executor} itself.
     */
    public Executor overShared(Executor executor) {
        return executor;
    }

    /**
     * Waits until a condition holds that other threads of the group bring about, or the time is over, if this clock says which thread runs
     * when: it would wait in vain for a thread that waits for something else.
     *
     * @param nanos {@link Due#FOREVER} for no end
     * @param condition must not wait; any thread may look at it
     * @return whether it has waited. Here never: the caller waits in its own way
     * @throws InterruptedException if the thread is interrupted, or was before, and this clock would have waited
     */
    public boolean awaits(long nanos, BooleanSupplier condition) throws InterruptedException {
        return false;
    }

    /** The instant that is so many nanoseconds from now, at most {@link Due#FOREVER}. */
    public final long after(long nanos) {
        return Due.after(nanoTime(), nanos);
    }

    /** As {@link #after(long)}. */
    public final long after(Duration time) {
        return after(Due.nanos(time));
    }

    /** The instant itself, or the nearest to it whose difference to now does not overflow. */
    public final long near(long instant) {
        long now = nanoTime();
        return Due.after(now, instant - now);
    }

    private static final class SystemClock extends Clock {

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long draw(long bound) {
            return ThreadLocalRandom.current().nextLong(bound);
        }

        @Override
        public void park(Object blocker, long nanos) {
            LockSupport.parkNanos(blocker, nanos);
        }

        @Override
        public String toString() {
            return "the clock of the system";
        }
    }
}
