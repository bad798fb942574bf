package io.netpark.bench.run;

import java.io.PrintStream;
import java.util.Locale;

/** Tells the person who waits what is going on, a line a step, with the time since the start. */
public final class Progress {

    private final PrintStream out;
    private final long start = System.nanoTime();

    public Progress(PrintStream out) {
        this.out = out;
    }

    /** A step. */
    public void say(String step) {
        long seconds = (System.nanoTime() - start) / 1_000_000_000;
        out.println(String.format(Locale.ROOT, "[%2d:%02d] %s", seconds / 60, seconds % 60, step));
        out.flush();
    }
}
