package io.netpark.bench.scale;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FairnessTest {

    @Test
    void allTheSameIsFair() {
        assertEquals(new Fairness(1, 1), Fairness.of(new long[] {7, 7, 7, 7}));
    }

    @Test
    void oneThatHasEverythingIsAsUnfairAsCanBe() {
        assertEquals(new Fairness(0, 0.25), Fairness.of(new long[] {0, 12, 0, 0}));
    }

    @Test
    void theLeastIsAPartOfTheMean() {
        assertEquals(0.5, Fairness.of(new long[] {1, 3, 2, 2}).least());
    }
}
