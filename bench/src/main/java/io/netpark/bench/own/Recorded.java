package io.netpark.bench.own;

import io.netpark.bench.report.Numbers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code own.md} has recorded of one number of connections.
 *
 * @param processor on which it was measured
 * @param costs by server
 */
record Recorded(String processor, Map<String, Cost> costs) {

    /** A difference that is worth a warning, as a part of what is recorded. */
    private static final double WORTH_A_WARNING = 0.1;
    /** Bytes: no object is smaller, and what JMH itself allocates now and then is less. */
    private static final double ALLOCATES = 8;
    private static final String PROCESSOR = "- processor: ";

    /**
     * What a request costs.
     *
     * @param nanos the median
     * @param bytes allocated
     */
    record Cost(double nanos, double bytes) {}

    /** Reads the section with that title. */
    static Recorded of(List<String> lines, String title) {
        Map<String, Cost> costs = new LinkedHashMap<>();
        String processor = "";
        boolean isThere = false;
        for (String line : lines) {
            if (line.startsWith("## ")) {
                isThere = line.equals("## " + title);
            } else if (line.startsWith(PROCESSOR)) {
                processor = line.substring(PROCESSOR.length());
            } else if (isThere && line.matches("\\| \\S.* \\| [\\d ]+ \\(.*\\) \\| [\\d. ]+ \\|")) {
                String[] cells = line.split("\\|");
                costs.put(cells[1].strip(), new Cost(number(cells[2].substring(0, cells[2].indexOf('('))), number(cells[3])));
            }
        }
        return new Recorded(processor, costs);
    }

    private static double number(String text) {
        return Double.parseDouble(text.replace(" ", ""));
    }

    /** What a new measurement says of it: a warning a line, none if all is as it was. */
    List<String> warnings(Map<String, Cost> measured) {
        List<String> warnings = new ArrayList<>();
        measured.forEach((server, now) -> {
            Cost then = costs.get(server);
            if (then == null) {
                warnings.add(server + " is not recorded");
                return;
            }
            double change = now.nanos / then.nanos - 1;
            if (Math.abs(change) > WORTH_A_WARNING) {
                warnings.add(server + " takes " + Numbers.text(now.nanos, 0) + " ns, " + Numbers.text(100 * Math.abs(change), 0) + " % "
                        + (change > 0 ? "more" : "less") + " than the " + Numbers.text(then.nanos, 0) + " ns recorded");
            }
            if (now.bytes - then.bytes > ALLOCATES) {
                warnings.add(server + " allocates " + Numbers.text(now.bytes, 1) + " bytes a request, and "
                        + Numbers.text(then.bytes, 1) + " are recorded");
            }
        });
        return warnings;
    }
}
