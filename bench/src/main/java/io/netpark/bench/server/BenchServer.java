package io.netpark.bench.server;

import io.netpark.core.loop.EventLoopGroup;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A server under comparison: one loop on one thread, or as many as it is told, as its library is meant to be used for that. */
public interface BenchServer {

    /** The system property that says how many loops there are, if not one. */
    String LOOPS = "netpark.bench.loops";

    /**
     * Listens on a free port of 127.0.0.1 and serves until the process ends.
     *
     * @return the port
     */
    int start(Service service) throws Exception;

    /** How many loops it has; the floor is told by its last argument. */
    static int loops() {
        return Integer.getInteger(LOOPS, 1);
    }

    /** Runs tasks on the loop's thread; null if the library has no such thing. */
    default @Nullable Executor loop() {
        return null;
    }

    /** Its event loops, which can be looked at; null if it is not Netpark's. */
    default @Nullable EventLoopGroup group() {
        return null;
    }
}
