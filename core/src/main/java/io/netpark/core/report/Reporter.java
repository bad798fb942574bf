package io.netpark.core.report;

/**
 * Told what an operator must know: user code that threw, descriptors that ran out. Called on event loops and on other
 * threads. What it throws does no harm: the report goes to standard error then.
 */
@FunctionalInterface
public interface Reporter {

    /**
     * Many reports of a kind become one, whose cause is {@link Withheld}. A reporter that needs all of them has a group without a
     * {@code reportLimit}.
     *
     * @param what one line: what happened, to what, and what Netpark did about it
     * @param cause why
     */
    void report(String what, Throwable cause);

    /**
     * A group of event loops that reports here is about to open. The reporter loads now what {@link #report} needs later, when there
     * may be no descriptors and no memory. A reporter that passes reports on passes this call on, too.
     */
    default void prepare() {}

    /**
     * Writes to the {@link System.Logger} named {@code io.netpark}, at level WARNING; to standard error, if that fails.
     */
    Reporter LOG = new LogReporter();
}
