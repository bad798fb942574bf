package io.netpark.simulation.schedule;

/** Goes with whatever a {@link Schedule#run} throws: how to see it again, and what happened before. */
final class ReplayNote extends Exception {

    private static final long serialVersionUID = 1;
    private static final int CALLS = 40;

    ReplayNote(Order order, Trace trace) {
        super(order + " does that again; these calls were the last of " + trace.count() + ":" + lines(trace), null, false, false);
    }

    private static String lines(Trace trace) {
        String start = System.lineSeparator() + "  ";
        return start + String.join(start, trace.last(CALLS));
    }
}
