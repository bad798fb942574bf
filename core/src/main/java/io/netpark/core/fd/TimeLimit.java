package io.netpark.core.fd;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How long operations of one direction may take: until an instant, the deadline; and for as long as a timeout allows, which
 * counts anew for each operation that has to wait, and again whenever that has got somewhere. The earlier of the two strikes.
 *
 * <p>One timer serves both and is moved as seldom as possible. A later instant is only stored: the timer stays armed for the
 * earlier one, finds then that it is not time yet, and moves itself. So a timeout costs an operation that parks a look at the
 * clock and a store, and an operation that does not park nothing; it moves the timer once in its own length. An earlier instant moves
 * the timer at once.
 *
 * <p>A firing can be overtaken: the deadline may have moved, or moved twice, since the timer was armed; the operation may have
 * ended, and another have begun. Go numbers its deadlines so that such a timer can tell. Here a firing carries nothing at all:
 * under the monitor it judges by the limits in force, so there is nothing stale that it could act upon. That an operation has
 * ended is not even noted. What a timeout says between two operations is heard by neither: an operation that starts does not
 * look at {@link Direction#timedOut}, and takes it away before it parks.
 */
final class TimeLimit {

    /** No instant. */
    static final long NONE = 0;

    private final Timed descriptor;
    private final Direction direction;
    private final Clock clock;
    private final Timer timer;
    /** What is wanted of the timer. As a task that looks anew: the loop's own thread may have moved it meanwhile. */
    private final Runnable moving = this::moveTimer;

    /** {@link Due#FOREVER} for none. Written under the monitor; read without by operations that park. */
    private volatile long timeout = Due.FOREVER;
    /**
     * The timer is not, or may not be, as {@link #firesAt} has it. Set under the monitor; cleared by whoever sees to it, who sets it
     * again if there is no memory for that: so the next operation tries again.
     */
    private volatile boolean moveDue;

    // Guarded by this
    private long deadline = NONE;
    /** When the operation that parked last was last seen to get somewhere; NONE if no timeout counts. */
    private long since = NONE;
    /** When the timer is to fire; NONE while it is to be idle. */
    private long firesAt = NONE;
    private boolean closed;

    TimeLimit(Timed descriptor, Direction direction) {
        this.descriptor = descriptor;
        this.direction = direction;
        this.clock = descriptor.loop().clock();
        this.timer = descriptor.loop().newTimer(this::fire);
    }

    /**
     * Sets the deadline, an instant of the loop's clock, or {@link #NONE}.
     *
     * @return a waiter that has to learn of it, for the caller to run
     */
    @Nullable Waiter setDeadline(long nanoTime) {
        Waiter struck = limitTo(nanoTime);
        if (struck == null) {
            moveIfDue();
        }
        return struck;
    }

    private synchronized @Nullable Waiter limitTo(long nanoTime) {
        if (closed) {
            return null;
        }
        if (nanoTime == NONE) {
            deadline = NONE;
            takeBackExpiry();
            return null;
        }
        long now = clock.nanoTime();
        deadline = instant(Due.after(now, nanoTime - now));
        if (deadline - now <= 0) {
            return strike(direction.expired);
        }
        takeBackExpiry();
        fireBefore(deadline);
        return null;
    }

    /** An operation that has just been timed out and has not run yet goes on. */
    private void takeBackExpiry() {
        if ((descriptor.error.flags() & direction.expired) != 0) {
            descriptor.error.clear(direction.expired);
            if (descriptor.isGoingOn(direction)) {
                restart();
            }
        }
    }

    /** The deadline, or {@link #NONE}. */
    synchronized long deadline() {
        return deadline;
    }

    /** Sets the timeout; for an operation that is going on it counts from now, even if it has just been timed out. */
    void setTimeout(long nanos) {
        allow(nanos);
        moveIfDue();
    }

    private synchronized void allow(long nanos) {
        if (closed) {
            return;
        }
        timeout = nanos; // before the look at the operation, which takes its lock before it looks here
        since = NONE;
        descriptor.error.clear(direction.timedOut);
        if (descriptor.isGoingOn(direction)) {
            restart();
        }
    }

    /** {@link Due#FOREVER} for none. */
    long timeout() {
        return timeout;
    }

    /** The operation in progress has to wait from now on, or has got somewhere: its time begins. */
    void begin() {
        if (timeout < Due.FOREVER) {
            restart();
            moveIfDue();
        }
    }

    private synchronized void restart() {
        if (closed || timeout >= Due.FOREVER) {
            return;
        }
        since = instant(clock.nanoTime());
        descriptor.error.clear(direction.timedOut);
        fireBefore(due());
    }

    /** When the timeout strikes that is counting. */
    private long due() {
        return instant(Due.after(since, timeout));
    }

    private static long instant(long nanoTime) {
        return nanoTime == NONE ? 1 : nanoTime;
    }

    /** To be followed by {@link #moveIfDue}, without the monitor. */
    private void fireBefore(long nanoTime) {
        if (firesAt == NONE || nanoTime - firesAt < 0) {
            firesAt = nanoTime;
            moveDue = true;
        }
    }

    /**
     * Without the monitor: a task that meets the very end of the loop is run here, and others with it, which may want to have what a
     * thread holds that waits for the monitor.
     */
    private void moveIfDue() {
        if (!moveDue) {
            return;
        }
        moveDue = false; // first: the task looks at what is wanted after this
        try {
            if (descriptor.loop().inLoop()) {
                moveTimer();
            } else {
                descriptor.loop().tryWake(moving);
            }
        } catch (Throwable e) {
            moveDue = true;
            throw e;
        }
    }

    private synchronized void moveTimer() {
        if (closed) {
            timer.disarm();
        } else if (firesAt != NONE) {
            timer.arm(firesAt);
        }
    }

    /** Error word first, then the slot: see {@link ErrorWord}. */
    private @Nullable Waiter strike(int flag) {
        descriptor.error.set(flag);
        return descriptor.slot(direction).take();
    }

    /** On the loop, at {@link #firesAt} or, if that was moved meanwhile, later or for nothing. */
    private void fire() {
        Waiter waiter = null;
        try {
            boolean progressed = false;
            for (boolean asked = false; ; asked = true) {
                synchronized (this) {
                    firesAt = NONE;
                    if (closed) {
                        return;
                    }
                    long now = clock.nanoTime();
                    if (since != NONE && (progressed || !descriptor.isGoingOn(direction))) {
                        since = progressed ? instant(now) : NONE;
                    }
                    boolean expired = deadline != NONE && deadline - now <= 0;
                    boolean timedOut = since != NONE && due() - now <= 0;
                    if (expired || !timedOut || asked) {
                        if (expired || timedOut) {
                            since = NONE;
                            waiter = strike(expired ? direction.expired : direction.timedOut);
                        }
                        fireForNext(expired);
                        return;
                    }
                }
                progressed = hasProgressed(); // a system call, so without the monitor
            }
        } finally { // whatever is thrown, the waiter has been taken out of its slot
            try {
                moveIfDue();
            } finally {
                if (waiter != null) {
                    waiter.run();
                }
            }
        }
    }

    private void fireForNext(boolean expired) {
        if (deadline != NONE && !expired) {
            fireBefore(deadline);
        }
        if (since != NONE) {
            fireBefore(due());
        }
    }

    private boolean hasProgressed() {
        try {
            return descriptor.getsSomewhere(direction);
        } catch (RuntimeException | Error e) {
            descriptor.loop().report("Whether an operation gets somewhere could not be found out; its time is over", e);
            return false;
        }
    }

    /** The descriptor is gone: its timer must not keep it reachable. */
    void close() {
        synchronized (this) {
            closed = true;
            moveDue = firesAt != NONE;
        }
        try {
            moveIfDue();
        } catch (OutOfMemoryError e) {
            // Then it keeps it reachable until it fires.
        }
    }

    /** Why an operation that was timed out has ended. */
    String timeoutPassed() {
        return "the timeout of " + TimeUnit.NANOSECONDS.toMillis(timeout) + " ms passed";
    }

    @Override
    public synchronized String toString() {
        return (deadline == NONE ? "no deadline" : "deadline in " + millis(deadline - clock.nanoTime()))
                + (timeout >= Due.FOREVER ? ", no timeout" : ", timeout " + millis(timeout));
    }

    private static String millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos) + " ms";
    }
}
