package io.netpark.core.net.serving.rules;

import io.netpark.core.net.serving.Shutdown;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts what becomes of the connections that handlers have when accepting stops: each once. */
public final class Tally {

    private volatile boolean counting;
    private final AtomicInteger idle = new AtomicInteger();
    private final AtomicInteger finished = new AtomicInteger();

    /** Accepting stops: handlers are counted from now on. */
    public void begin() {
        counting = true;
    }

    public boolean isCounting() {
        return counting;
    }

    /** A handler has ended that was not cut off. */
    public void ended(boolean isIdle) {
        if (counting) {
            (isIdle ? idle : finished).incrementAndGet();
        }
    }

    /** What became of them, and so many that were cut off. What handlers write is their own affair: nothing is flushed for them. */
    public Shutdown.Report report(int cut) {
        return new Shutdown.Report(idle.get(), finished.get(), 0, cut);
    }
}
