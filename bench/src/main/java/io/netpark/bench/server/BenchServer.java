package io.netpark.bench.server;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A server under comparison: one loop on one thread, as its library is meant to be used for that. */
public interface BenchServer {

    /**
     * Listens on a free port of 127.0.0.1 and serves until the process ends.
     *
     * @return the port
     */
    int start(Service service) throws Exception;

    /** Runs tasks on the loop's thread; null if the library has no such thing. */
    default @Nullable Executor loop() {
        return null;
    }
}
