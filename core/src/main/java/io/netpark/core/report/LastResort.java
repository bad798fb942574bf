package io.netpark.core.report;

/**
 * Standard error: for what a {@link Reporter} could not take. Never throws.
 *
 * <p>For Netpark's own loops.
 */
public final class LastResort {

    private LastResort() {}

    /** Has the class loaded. */
    public static void prepare() {}

    /** Passes a report on, or prints it. */
    public static void report(Reporter reporter, String what, Throwable cause) {
        try {
            reporter.report(what, cause);
        } catch (Throwable e) {
            print(what, cause);
            print("(the reporter threw)", e);
        }
    }

    /** In small pieces, the most important first, as there may be no memory for all. */
    public static void print(String what, Throwable cause) {
        try {
            System.err.println(what);
            cause.printStackTrace();
        } catch (Throwable ignored) {
            // There is nobody left to tell.
        }
    }
}
