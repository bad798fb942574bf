package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What peers can cause as often as they like must not fill an operator's log: of such reports of a loop {@link #MOST} a second are passed
 * on as they come. The others are counted, and when the second is over one report tells how many they were, and the last of them.
 *
 * <pre>
 *   quiet --a report--> the first of a second --MOST more--> counting, a timer is armed
 *     ^--nothing was counted------+                               |
 *                                 ^----the second is over, told---+
 * </pre>
 */
final class Ration {

    /** How many reports are passed on in a {@link #PERIOD}. */
    static final int MOST = 10;
    /** In nanoseconds, of the loop's {@link Clock}. */
    static final long PERIOD = TimeUnit.SECONDS.toNanos(1);

    private final EventLoop loop;
    /** Made when there is something to count first. Loop's thread only, as what follows. */
    private @Nullable Timer timer;
    private int passedOn;
    private long periodEnd;
    private int counted;
    private @Nullable String what;
    private @Nullable Throwable last;

    Ration(EventLoop loop) {
        this.loop = loop;
    }

    /** On any thread. What there is no memory to count is passed on: whoever reports something must go on. */
    void report(String what, Throwable cause) {
        try {
            if (loop.inLoop()) {
                passOnOrCount(what, cause);
            } else if (!loop.tryExecute(() -> passOnOrCount(what, cause))) {
                loop.report(what, cause);
            }
        } catch (OutOfMemoryError e) {
            loop.report(what, cause);
        }
    }

    private void passOnOrCount(String what, Throwable cause) {
        long now = loop.clock().nanoTime();
        if (passedOn > 0 && periodEnd - now <= 0) {
            tell();
        }
        if (passedOn == 0) {
            periodEnd = loop.clock().after(PERIOD);
        }
        if (passedOn < MOST) {
            passedOn++;
            loop.report(what, cause);
            return;
        }
        if (counted == 0) {
            if (timer == null) {
                timer = loop.newTimer(this::tell, this::tell);
            }
            timer.arm(periodEnd);
        }
        this.what = what;
        last = cause;
        counted++;
    }

    /** The second is over. What is told at its end is the first of the next. */
    private void tell() {
        int count = counted;
        String known = what;
        Throwable cause = last;
        passedOn = 0;
        counted = 0;
        what = null;
        last = null;
        if (count > 0 && known != null && cause != null) {
            passedOn = 1;
            periodEnd = loop.clock().after(PERIOD);
            loop.report(known + "; so were " + count + " more within a second, which are not reported, and the last of them is this", cause);
        }
    }
}
