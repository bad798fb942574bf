package io.netpark.core.loop;

/**
 * Told what an operator must know: user code that threw, descriptors that ran out. Called on event loops and on other
 * threads; what it throws is dropped.
 */
@FunctionalInterface
public interface Reporter {

    /**
     * @param what one line: what happened, to what, and what Netpark did about it
     * @param cause why
     */
    void report(String what, Throwable cause);

    /** Writes to the {@link System.Logger} named {@code io.netpark}, at level WARNING. */
    Reporter LOG = (what, cause) -> System.getLogger("io.netpark").log(System.Logger.Level.WARNING, what, cause);
}
