package io.netpark.callback;

import java.time.Duration;

/**
 * The pace of a test's thread that plays a peer who is in time. Nobody says how long a machine holds a thread up, and who was too late
 * has shown nothing: then the test is done again.
 */
public final class Pace {

    private static final int ATTEMPTS = 3;

    public interface Body {
        void run(Pace pace) throws Exception;
    }

    private final long most;
    private long last = System.nanoTime();
    private boolean late;

    private Pace(Duration time) {
        most = time.toNanos() / 2; // the time of the other side begins and ends elsewhere
    }

    /** A test that may fail if two steps, or the last step and the failure, are this far apart: it is done again if it fails so. */
    public static void within(Duration time, Body body) throws Exception {
        for (int attempt = 1; ; attempt++) {
            Pace pace = new Pace(time);
            try {
                body.run(pace);
                return;
            } catch (Exception | AssertionError e) {
                pace.step();
                if (!pace.late || attempt == ATTEMPTS) {
                    throw e;
                }
                System.err.println("Done again, as its thread may have been late: " + e);
            }
        }
    }

    public void step() {
        long now = System.nanoTime();
        late |= now - last > most;
        last = now;
    }
}
