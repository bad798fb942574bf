package io.netpark.bench.yardstick;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.command.Bench;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepTest {

    private final List<Step> steps = List.of(new Step(List.of("a"), 0, 10), new Step(List.of("b"), 4, 4), new Step(List.of("c"), 1, 1));

    @Test
    void whatIsLeftBesideWarmUpsIsForTheRoundsOfAllTables() {
        assertEquals(3, Step.minutesATable(steps, 30));
        assertEquals(4, Step.minutesATable(steps.subList(2, 3), 5));
    }

    @Test
    void noTimeIsNoTime() {
        assertEquals(0, Step.minutesATable(steps, 12));
    }

    @Test
    void onlyWhatHasRoundsIsToldWhenTheyEnd() {
        assertEquals(List.of("a", "--results", "r"), steps.get(0).line(3, "r"));
        assertEquals(List.of("b", "--at-most", "0.33", "--results", "r"), steps.get(1).line(1 / 3.0, "r"));
    }

    @Test
    void everyStepIsABenchmark() {
        for (Step step : Step.all()) {
            assertTrue(Bench.names().contains(step.name()), step.name());
        }
    }
}
