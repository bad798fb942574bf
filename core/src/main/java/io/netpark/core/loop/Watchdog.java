package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the loops of a group from a thread of its own, and reports what holds one of them for too long. The loops count
 * what they do and never look at a clock for this; a count that has not moved for the time allowed, while the loop does not
 * wait, is one piece of code that does not return.
 *
 * <p>What counts is the time between looks that came when they were due. While the whole process stood still (a suspended machine, a
 * stopped process, a long collection of garbage) the watchdog missed looks of its own, and that time is nobody's fault.
 */
final class Watchdog implements Runnable {

    /** What is allowed unless something else is said: no sane handler reaches that. */
    static final Duration DEFAULT_LIMIT = Duration.ofSeconds(10);

    /** Looks in the time allowed, so that what is reported has lasted at most a quarter longer. */
    private static final int LOOKS = 4;

    /** The stack of a loop's thread, as the cause of a report. */
    static final class Held extends Exception {
        private static final long serialVersionUID = 1;

        Held(String message, StackTraceElement[] stack) {
            super(message, null, false, true);
            setStackTrace(stack);
        }
    }

    /** What was seen of a loop. */
    private static final class Watch {
        long actions = -1;
        /** How long its count has stood still, in nanoseconds that were looked at. */
        long held;
        boolean reported;
    }

    private final Clock clock;
    private final Supplier<List<EventLoop>> loops;
    private final long limitNanos;
    private final @Nullable Observer observer;
    private final Map<EventLoop, Watch> watches = new WeakHashMap<>();
    private final Thread thread;
    /** When it looked last. Its thread's own. */
    private long lastLook;
    private volatile boolean ended;

    Watchdog(String name, Clock clock, long limitNanos, @Nullable Observer observer, Supplier<List<EventLoop>> loops) {
        this.clock = clock;
        this.lastLook = clock.nanoTime();
        this.loops = loops;
        this.limitNanos = limitNanos;
        this.observer = observer;
        this.thread = new Thread(this, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    void end() {
        ended = true;
        LockSupport.unpark(thread);
    }

    @Override
    public void run() {
        while (!ended) {
            clock.park(this, interval());
            try {
                look(clock.nanoTime());
            } catch (Throwable e) {
                // No memory for it. The next look may have some.
            }
        }
    }

    private long interval() {
        return Math.max(1, limitNanos / LOOKS);
    }

    /** Looks at every loop, at this instant. */
    void look(long now) {
        long elapsed = now - lastLook;
        lastLook = now;
        long counted = elapsed < 2 * interval() ? elapsed : 0;
        for (EventLoop loop : loops.get()) {
            look(loop, watches.computeIfAbsent(loop, any -> new Watch()), counted);
        }
    }

    private void look(EventLoop loop, Watch watch, long elapsed) {
        long actions = loop.actions();
        if (actions != watch.actions || loop.isWaiting()) {
            if (watch.reported && observer != null) {
                Duration held = Duration.ofNanos(watch.held);
                loop.tell(() -> observer.released(loop, held));
            }
            watch.actions = actions;
            watch.held = 0;
            watch.reported = false;
            return;
        }
        watch.held += elapsed;
        if (!watch.reported && watch.held >= limitNanos) {
            StackTraceElement[] stack = loop.stack();
            if (loop.actions() == actions && !loop.isWaiting()) { // or the stack is of something else
                watch.reported = true;
                report(loop, Duration.ofNanos(watch.held), stack);
            }
        }
    }

    private void report(EventLoop loop, Duration held, StackTraceElement[] stack) {
        Held where = new Held("what holds " + loop + " is at", stack);
        String occupation = loop.describeOccupation();
        String by = occupation == null ? "one callback, task or coroutine" : occupation;
        // First: whoever has read the report finds what was observed.
        if (observer != null) {
            loop.tell(() -> observer.held(loop, held, where));
        }
        loop.report(loop + " has been held for " + held.toMillis() + " ms by " + by + ", and serves nobody"
                + " meanwhile; what blocks or takes long belongs on other threads (this is said after " + limitNanos / 1_000_000
                + " ms, which EventLoopGroup.Builder.watchdog changes)", where);
    }
}
