package io.netpark.simulation.schedule;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The system calls that were made in a {@link Schedule}, in their order: what is compared to see whether two runs were the same, and read
 * when a run has failed. Any thread may look at it.
 */
public final class Trace {

    /** How many are remembered one by one. */
    private static final int MOST = 4096;

    private final String[] lines = new String[MOST];
    private long count;
    private long fingerprint;
    private boolean paused;

    Trace() {}

    /** A call has returned. */
    synchronized void add(String thread, String call, int fd, long result, Duration at) {
        if (paused) {
            return;
        }
        String line = thread + " " + name(call, fd) + " = " + result + " at " + at.toNanos() + " ns";
        lines[(int) (count++ % MOST)] = line;
        fingerprint = 31 * fingerprint + line.hashCode();
    }

    /** Calls are not remembered from now on, or are again. */
    synchronized void pause(boolean on) {
        paused = on;
    }

    static String name(String call, int fd) {
        return call + (fd < 0 ? "()" : "(" + fd + ")");
    }

    /** How many calls there were. */
    public synchronized long count() {
        return count;
    }

    /** A number that is another one, but for a rare accident, if the calls, their order, their results or their times were others. */
    public synchronized long fingerprint() {
        return fingerprint;
    }

    /** The last calls, at most {@value #MOST}: thread, call with its descriptor, result, and time since the beginning. */
    public synchronized List<String> last(int most) {
        long first = Math.max(0, count - Math.min(most, MOST));
        List<String> last = new ArrayList<>();
        for (long i = first; i < count; i++) {
            last.add(lines[(int) (i % MOST)]);
        }
        return last;
    }

    @Override
    public String toString() {
        return count() + " calls";
    }
}
