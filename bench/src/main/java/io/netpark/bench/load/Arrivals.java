package io.netpark.bench.load;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The open loop: requests begin when their time has come, at random with so many a second on average, whatever has become of
 * those before. One that finds no connection free waits for the next, and its latency begins when its time came: a server that
 * stalls is seen to keep all of them waiting that would have come meanwhile.
 */
final class Arrivals {

    /** So far behind, a server is not late but overloaded. */
    private static final long HOPELESS = TimeUnit.SECONDS.toNanos(2);
    /** The poller's timer is not exact: the last bit is waited for by looking again and again. */
    private static final long SPIN = TimeUnit.MICROSECONDS.toNanos(150);

    private final Traffic traffic;
    private final List<? extends Client> clients;
    private final double meanGap;
    /** The same arrivals for everybody. */
    private final Random random = new Random(4);
    private int next;

    Arrivals(Traffic traffic, List<? extends Client> clients, int rate) {
        this.traffic = traffic;
        this.clients = clients;
        this.meanGap = 1e9 / rate;
    }

    /** Until the time is over, and everything is answered. */
    void run(long millis) throws IOException {
        traffic.begin(0); // no answer is followed by a request
        double due = System.nanoTime();
        double end = due + TimeUnit.MILLISECONDS.toNanos(millis);
        while (due < end) {
            long now = System.nanoTime();
            if (now - due > HOPELESS) {
                throw new LoadFailure("overloaded: requests wait for "
                        + TimeUnit.NANOSECONDS.toMillis((long) (now - due)) + " ms to begin");
            }
            boolean waits = false;
            while (due < end && due <= now) {
                Client client = free();
                if (client == null) {
                    waits = true;
                    break;
                }
                traffic.now = (long) due;
                client.startOne();
                due += gap();
            }
            long left = (long) due - System.nanoTime();
            traffic.turn(waits ? TimeUnit.MILLISECONDS.toNanos(100) : Math.max(0, left - SPIN));
        }
        traffic.finish();
    }

    /** Of a Poisson process. */
    private double gap() {
        return -Math.log(1 - random.nextDouble()) * meanGap;
    }

    private @Nullable Client free() {
        for (int i = 0; i < clients.size(); i++) {
            Client client = clients.get(next++ % clients.size());
            if (client.isFree()) {
                return client;
            }
        }
        return null;
    }
}
