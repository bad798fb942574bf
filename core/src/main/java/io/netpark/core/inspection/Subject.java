package io.netpark.core.inspection;

import io.netpark.core.poll.Poller;
import io.netpark.core.report.GroupHealth.LoopHealth;
import java.util.function.LongSupplier;

/**
 * An event loop as an {@link Inspector} needs it.
 *
 * @param name the loop's
 * @param poller what it waits with
 * @param walks those that wait for it
 * @param actions how many waiters, tasks and timers it has begun to run
 * @param health makes the answer out of what was found
 */
public record Subject(String name, Poller poller, Walks walks, LongSupplier actions, Health health) {

    /** Makes an answer. */
    @FunctionalInterface
    public interface Health {

        /** @param sinceTurnNanos as {@link LoopHealth#sinceTurn} */
        LoopHealth of(boolean answers, long sinceTurnNanos);
    }
}
