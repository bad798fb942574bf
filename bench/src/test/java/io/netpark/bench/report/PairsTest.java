package io.netpark.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.bench.machine.Measured;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which rounds are compared with which. */
class PairsTest {

    private record Round(double cost, double othersShare, int life) implements Measured {
        Round(double cost, double othersShare) {
            this(cost, othersShare, 0);
        }
    }

    private static List<Round> calm(double... costs) {
        return Arrays.stream(costs).mapToObj(cost -> new Round(cost, 0)).toList();
    }

    private static Numbers ratios(List<Round> rounds, List<Round> base) {
        return Pairs.ratios(rounds, base, Round::cost);
    }

    @Test
    void aRoundIsComparedWithThoseAroundIt() {
        assertEquals(6 / ((1 + 2 + 3) / 3.0), Pairs.ratios(calm(6, 6, 6), calm(1, 2, 3), Round::cost).median());
        assertEquals(1.5, Pairs.around(calm(1, 2, 3), 0, 0, Round::cost));
        assertEquals(2.5, Pairs.around(calm(1, 2, 3), 2, 0, Round::cost));
    }

    @Test
    void aDifferenceIsInTheUnitOfTheCost() {
        assertEquals(4, Pairs.differences(calm(6, 6, 6), calm(1, 2, 3), Round::cost).median());
        List<Round> base = List.of(new Round(1, 0), new Round(30, 0.2), new Round(1, 0));
        assertEquals("3.00 [3.00, 3.00]", Pairs.differences(calm(4, 4, 4), base, Round::cost).interval(2));
    }

    /** All got slower in the middle: that is the machine. */
    @Test
    void whatConcernsBothDoesNotShow() {
        Numbers ratios = ratios(calm(2, 2, 2, 4, 4, 4), calm(1, 1, 1, 2, 2, 2));
        assertEquals(2.0, ratios.median());
    }

    @Test
    void disturbedRoundsAreLeftOutOnBothSides() {
        List<Round> rounds = List.of(new Round(2, 0), new Round(50, 0.5), new Round(2, 0));
        List<Round> base = List.of(new Round(1, 0), new Round(1, 0), new Round(30, 0.2));
        Numbers ratios = ratios(rounds, base);
        assertEquals("2.00 [2.00, 2.00]", ratios.interval(2));
    }

    @Test
    void aRoundIsComparedWithThoseOfItsLife() {
        List<Round> rounds = List.of(new Round(2, 0, 0), new Round(12, 0, 1));
        List<Round> base = List.of(new Round(1, 0, 0), new Round(3, 0, 1));
        Numbers ratios = ratios(rounds, base);
        assertEquals(3.0, ratios.median());
        assertEquals("3.00 [2.00, 4.00]", ratios.interval(2));
    }

    @Test
    void aRoundWithoutAnybodyToCompareIsNone() {
        assertTrue(Double.isNaN(ratios(calm(1, 2), List.of()).median()));
        assertEquals(2.0, ratios(calm(2, 2, 2, 2, 7), calm(1, 1)).median());
    }
}
