package io.netpark.callback.simulation;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongConsumer;

/** Runs programs of seeds. It says what they have done. */
final class SomeCallbacks implements LongConsumer {

    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    private long calls;
    private long decisions;
    private long faults;

    @Override
    public void accept(long seed) {
        RandomCallbacks program = new RandomCallbacks(seed, threads);
        try {
            calls += program.run();
        } catch (Exception e) {
            throw new AssertionError(e.toString(), e);
        }
        decisions += program.decisions();
        faults += program.faults();
    }

    void end() {
        threads.shutdown();
    }

    @Override
    public String toString() {
        return calls + " calls, " + decisions + " decisions, " + faults + " faults";
    }
}
