package io.netpark.core.report;

import java.util.concurrent.TimeUnit;

/**
 * How long to pause while something fails again and again, and nobody says when that will be over: 5 ms after the first failure, twice
 * as long after each further one, a second at most. Go's net/http does the same. Not thread-safe.
 *
 * <pre>
 *   over --next--> 5 ms --next--> 10 ms --next--> ... --next--> 1 s --next--> 1 s
 *   any --end--> over
 * </pre>
 */
public final class Episode {

    static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(5);
    static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);

    /** The pause that began last, in nanoseconds; 0 if the episode is over. */
    private long pause;

    /** One that is over. */
    public Episode() {}

    /** Begins an episode, or goes on with it; returns the pause in nanoseconds. */
    public long next() {
        pause = upcoming();
        return pause;
    }

    /** What {@link #next} will return. */
    public long upcoming() {
        return pause == 0 ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    }

    /** It works again. */
    public void end() {
        pause = 0;
    }

    /** Whether nothing is wrong: the next failure begins an episode, and is to be reported. */
    public boolean isOver() {
        return pause == 0;
    }
}
