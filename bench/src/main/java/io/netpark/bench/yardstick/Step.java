package io.netpark.bench.yardstick;

import java.util.ArrayList;
import java.util.List;

/**
 * A benchmark of the yardstick.
 *
 * @param arguments its name and options
 * @param tables in how many tables rounds are played; 0 if it takes the time that it takes
 * @param minutes that it takes beside its rounds, about: warm-ups, or all of it
 */
record Step(List<String> arguments, int tables, double minutes) {

    private static final String FEWER = "floor,netty,netpark-coroutine-ffm,netpark-callback-ffm,netpark-coroutine-jna,netpark-callback-jna";

    /** What cannot be missed comes first. */
    static List<Step> all() {
        return List.of(
                new Step(List.of("own"), 0, 12),
                new Step(List.of("echo"), 4, 10),
                new Step(List.of("pipeline", "--servers", FEWER), 1, 2),
                new Step(List.of("frames", "--servers", FEWER), 2, 3.5),
                new Step(List.of("stream", "--servers", FEWER), 2, 3.5),
                new Step(List.of("churn", "--servers", FEWER), 1, 2),
                new Step(List.of("idle", "--servers", FEWER), 0, 3),
                new Step(List.of("wake", "--servers", FEWER), 0, 3),
                new Step(List.of("tail", "--seconds", "0.5"), 3, 6),
                new Step(List.of("scale"), 2, 4),
                new Step(List.of("start"), 1, 1));
    }

    String name() {
        return arguments.get(0);
    }

    /**
     * Its command line.
     *
     * @param minutesATable after which no round begins
     */
    List<String> line(double minutesATable, String results) {
        List<String> line = new ArrayList<>(arguments);
        if (tables > 0) {
            line.add("--at-most");
            line.add(Double.toString(Math.round(100 * minutesATable) / 100.0));
        }
        line.add("--results");
        line.add(results);
        return line;
    }

    /**
     * How long rounds of the first of these steps may go on for each table, so that all of them end in time.
     *
     * @param left minutes
     */
    static double minutesATable(List<Step> steps, double left) {
        int tables = steps.stream().mapToInt(Step::tables).sum();
        double beside = steps.stream().mapToDouble(Step::minutes).sum();
        return tables == 0 ? 0 : Math.max(0, (left - beside) / tables);
    }
}
