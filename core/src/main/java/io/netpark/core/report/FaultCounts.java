package io.netpark.core.report;

import java.util.HashMap;
import java.util.Map;

/** How often each of the faults of a kind was met. One that has not been met may be missing. */
final class FaultCounts {

    private FaultCounts() {}

    /** These and others, in a map of the caller's. */
    static <F extends Enum<F>> Map<F, Long> sum(Map<F, Long> some, Map<F, Long> others) {
        Map<F, Long> sums = new HashMap<>(some);
        others.forEach((fault, count) -> sums.merge(fault, count, Long::sum));
        return sums;
    }
}
