package io.netpark.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What may be said of an order. */
class RankingTest {

    private final Section section = new Section("title", "unit", List.of("server"));

    private static Numbers between(double low, double high) {
        return Numbers.of(List.of(low, low, (low + high) / 2, high, high), Double::doubleValue);
    }

    @Test
    void thoseWhoseIntervalsOverlapAreNotToldApart() {
        Ranking ranking = new Ranking();
        ranking.add("c", between(2.0, 2.1));
        ranking.add("a", between(1.0, 1.2));
        ranking.add("b", between(1.1, 1.3));
        ranking.add("none", Numbers.of(List.<Double>of(), Double::doubleValue));
        ranking.add(section, "floor");
        assertEquals(List.of("By × floor: a ≈ b < c. (a ≈ b: their intervals overlap, no difference is shown.)"), section.notes());
    }

    @Test
    void oneAloneHasNoOrder() {
        Ranking ranking = new Ranking();
        ranking.add("a", between(1.0, 1.2));
        ranking.add(section, "floor");
        assertEquals(List.of(), section.notes());
    }
}
