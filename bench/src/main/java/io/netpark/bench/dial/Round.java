package io.netpark.bench.dial;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Some time of dialing. But for {@link #await} it belongs to the dialer's thread. */
public final class Round {

    /** Enough that the loop is never without work. */
    public static final int AT_A_TIME = 64;

    private static final long PATIENCE_SECONDS = 30;

    private final long start = System.nanoTime();
    private final long end;
    private final Histogram latencies = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
    private final CountDownLatch chains = new CountDownLatch(AT_A_TIME);
    private @Nullable Throwable failure;

    Round(long millis) {
        end = start + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** Whether to dial once more. A chain that gets false is over. */
    public boolean goesOn() {
        if (failure == null && System.nanoTime() - end < 0) {
            return true;
        }
        chains.countDown();
        return false;
    }

    /** A connection has been established. */
    public void dialed(long startNanos) {
        latencies.recordValue(System.nanoTime() - startNanos);
    }

    /** The chain is over, and soon all of them. */
    public void failed(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
        chains.countDown();
    }

    /** Waits for the last chain. Returns how long it all took, in nanoseconds. */
    long await() throws IOException, InterruptedException {
        if (!chains.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException(chains.getCount() + " dials are not over after " + PATIENCE_SECONDS + " s");
        }
        Throwable cause = failure;
        if (cause != null) {
            throw new IOException("a dial failed after " + latencies.getTotalCount() + " others: " + cause, cause);
        }
        return System.nanoTime() - start;
    }

    Histogram latencies() {
        return latencies;
    }
}
