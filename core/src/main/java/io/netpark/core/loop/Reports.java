package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.report.LastResort;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.Ration;
import io.netpark.core.report.Reporter;
import java.lang.StackWalker.StackFrame;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What an event loop says of itself and of what lives on it: trouble to the {@link Reporter}, as its group's {@link Ration} allows, events
 * to the {@link Observer}, numbers to the {@link Counters}. None of the three can harm the loop. Any thread.
 */
final class Reports {

    /** As {@link Observer#longTurn} has it. */
    private static final long LONG_TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final StackWalker STACK = StackWalker.getInstance();
    /** These pass reports of others on. */
    private static final Set<String> BETWEEN = Set.of(Reports.class.getName(), EventLoop.class.getName());

    private final EventLoop loop;
    private final Ration ration;
    /** Tells what the ration has counted. Made when there is something first. Loop's thread only. */
    private @Nullable Timer telling;
    /** Null in a group without metrics. */
    final @Nullable Counters counters;
    final @Nullable Observer observer;
    /** Made beforehand: there may be no memory when it is needed. */
    private final String taskThrew;

    Reports(EventLoop loop, String name, Ration ration, @Nullable Counters counters, @Nullable Observer observer) {
        this.loop = loop;
        this.ration = ration;
        this.counters = counters;
        this.observer = observer;
        this.taskThrew = "A task on " + name + " threw; the loop goes on";
    }

    /** Does once what needs memory when it is done first. */
    static void prepare() {
        place();
    }

    /** Passes something on to the {@link Reporter}. */
    void report(String what, Throwable cause) {
        try {
            long due = ration.report(place(), what, cause);
            if (due != Ration.NOTHING) {
                tellIn(due);
            }
        } catch (Throwable ignored) {
            // Not even this could be called. What catches an error to report it must go on.
        }
    }

    /** The class that has something to say. */
    private static String place() {
        try {
            return STACK.walk(frames -> frames.map(StackFrame::getClassName).filter(name -> !BETWEEN.contains(name)).findFirst())
                    .orElse("");
        } catch (OutOfMemoryError | StackOverflowError e) {
            return "";
        }
    }

    /** What was counted is told in so many nanoseconds, though nothing more happens. */
    private void tellIn(long nanos) {
        long due = loop.clock().after(nanos);
        if (loop.inLoop()) {
            arm(due);
        } else if (!loop.tryExecute(() -> armOrTell(due))) { // nor would a later loop know of it
            ration.tellWithoutLoop();
        }
    }

    /** A task from another thread. It may have come when the loop had told its last, and it may be the last there is. */
    private void armOrTell(long due) {
        if (loop.isTerminated()) {
            ration.tellAll();
        } else {
            arm(due);
        }
    }

    private void arm(long due) {
        if (loop.isTerminated()) {
            ration.tellWithoutLoop();
            return;
        }
        Timer known = telling;
        if (known == null) {
            known = telling = loop.newTimer(this::tell);
        }
        known.armBefore(due);
    }

    /** How many timers of the loop are these reports'. A loop that has no others may end: {@link #end} tells what there is to tell. */
    int timers() {
        Timer known = telling;
        return known != null && known.index != TimerQueue.OUT ? 1 : 0;
    }

    private void tell() {
        long next = ration.tell();
        if (next != Ration.NOTHING) {
            arm(loop.clock().after(next));
        }
    }

    /** The loop ends: what was counted on it is told now, and what others have counted as well. Throws nothing. */
    void end() {
        try {
            ration.tellAll();
        } catch (Throwable noMemory) {
            // It stays untold, unless another loop tells it.
        }
    }

    /** As {@link #report}, where nothing may be thrown: the text is made inside, or there may be no memory for it. */
    void failure(String what, Object of, Throwable cause) {
        String text = what;
        try {
            text = what + " " + of;
        } catch (Throwable ignored) {
            // It is said without a name.
        }
        report(text, cause);
    }

    /** User code has thrown. */
    void taskThrew(Throwable cause) {
        report(taskThrew, cause);
    }

    /** Calls the observer; what it throws is reported. */
    void tell(EventLoop loop, Runnable call) {
        try {
            call.run();
        } catch (Throwable e) {
            failure("It is observed, and the observer threw:", loop, e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    /** A turn of the loop has ended. */
    void turnTook(long nanos, Counters counted) {
        if (nanos >= LONG_TURN_NANOS && observer != null) {
            tellLongTurn(nanos, counted.longestRun(), counted.longestDelay(), observer);
        }
    }

    private void tellLongTurn(long nanos, long longestRunNanos, long longestDelayNanos, Observer told) {
        tell(loop, () -> told.longTurn(
                loop, Duration.ofNanos(nanos), Duration.ofNanos(longestRunNanos), Duration.ofNanos(longestDelayNanos)));
    }

    /** The loop has ended by a failure, and the program may be about to end for want of threads. */
    void lost(EventLoop loop, Throwable why) {
        LastResort.print("An event loop of Netpark has ended by a failure, and closed what lived on it", why);
        Observer told = observer;
        if (told != null) {
            try {
                told.lost(loop, why);
            } catch (Throwable e) {
                taskThrew(e);
            }
        }
    }

    boolean countIfByPeer(Throwable cause) {
        PeerFault kind = PeerFault.of(cause);
        if (kind != null) {
            count(kind);
        }
        return kind != null;
    }

    void count(PeerFault kind) {
        if (counters != null) {
            counters.peerFault(kind);
        }
    }

    void countDropped(long bytes) {
        if (counters != null && bytes > 0) {
            counters.dropped(bytes);
        }
    }
}
