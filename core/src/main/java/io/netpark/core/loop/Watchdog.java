package io.netpark.core.loop;

import io.netpark.core.sys.Due;
import java.time.Duration;
import java.util.ArrayList;
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
 */
final class Watchdog implements Runnable {

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
        long since;
        boolean reported;
    }

    private final Supplier<List<EventLoop>> loops;
    private final long limitNanos;
    private final @Nullable Observer observer;
    private final Map<EventLoop, Watch> watches = new WeakHashMap<>();
    private final Thread thread;
    private volatile boolean ended;

    Watchdog(String name, Duration limit, @Nullable Observer observer, Supplier<List<EventLoop>> loops) {
        this.loops = loops;
        this.limitNanos = Due.nanos(limit);
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
            for (EventLoop loop : new ArrayList<>(loops.get())) {
                look(loop, watches.computeIfAbsent(loop, any -> new Watch()));
            }
            LockSupport.parkNanos(this, Math.max(1, limitNanos / LOOKS));
        }
    }

    private void look(EventLoop loop, Watch watch) {
        long now = System.nanoTime();
        long actions = loop.actions();
        if (actions != watch.actions || loop.isWaiting()) {
            if (watch.reported) {
                loop.tell(() -> {
                    if (observer != null) {
                        observer.released(loop, Duration.ofNanos(now - watch.since));
                    }
                });
            }
            watch.actions = actions;
            watch.since = now;
            watch.reported = false;
        } else if (!watch.reported && now - watch.since >= limitNanos) {
            StackTraceElement[] stack = loop.stack();
            if (loop.actions() == actions && !loop.isWaiting()) { // or the stack is of something else
                watch.reported = true;
                report(loop, Duration.ofNanos(now - watch.since), stack);
            }
        }
    }

    private void report(EventLoop loop, Duration held, StackTraceElement[] stack) {
        Held where = new Held("what holds " + loop + " is at", stack);
        loop.report(loop + " has been held for " + held.toMillis() + " ms by one callback, task or coroutine, and serves nobody"
                + " meanwhile; what blocks or takes long belongs on other threads", where);
        if (observer != null) {
            loop.tell(() -> observer.held(loop, held, where));
        }
    }
}
