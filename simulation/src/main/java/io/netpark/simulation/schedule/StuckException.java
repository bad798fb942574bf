package io.netpark.simulation.schedule;

/**
 * Nothing can happen any more in a {@link Schedule}: every thread waits, and none of them for a time. Or things happen without end while
 * the time stands still: {@link Schedule#limitSteps}. The message says who waits where, and who has done how much.
 */
public final class StuckException extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Is made by the thread that is told, so that its stack shows where that waits. */
    StuckException(String message) {
        super(message);
    }

    /** @param report who waits where, one a line */
    static String idle(String report) {
        return "nothing can happen any more:" + report;
    }

    /** @param report who has done how much, one a line */
    static String busy(long steps, Order order, String report) {
        return "more than " + steps + " steps were taken while the time stood still, by " + order + ":" + report;
    }
}
