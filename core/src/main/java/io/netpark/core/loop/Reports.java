package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.report.LastResort;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.Reporter;
import org.jspecify.annotations.Nullable;

/**
 * What an event loop says of itself and of what lives on it: trouble to the {@link Reporter}, events to the {@link Observer},
 * numbers to the {@link Counters}. None of the three can harm the loop. Any thread.
 */
final class Reports {

    private final Reporter reporter;
    /** Null in a group without metrics. */
    final @Nullable Counters counters;
    final @Nullable Observer observer;
    /** Made beforehand: there may be no memory when it is needed. */
    private final String taskThrew;

    Reports(String loop, Reporter reporter, @Nullable Counters counters, @Nullable Observer observer) {
        this.reporter = reporter;
        this.counters = counters;
        this.observer = observer;
        this.taskThrew = "A task on " + loop + " threw; the loop goes on";
    }

    /** Passes something on to the {@link Reporter}. */
    void report(String what, Throwable cause) {
        try {
            LastResort.report(reporter, what, cause);
        } catch (Throwable ignored) {
            // Not even this could be called. What catches an error to report it must go on.
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
