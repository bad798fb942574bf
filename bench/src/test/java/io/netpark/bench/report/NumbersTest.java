package io.netpark.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a median of a few rounds says, and what it does not. */
class NumbersTest {

    private static final int ROUNDS = 60;

    private static Numbers numbers(Double... values) {
        return Numbers.of(List.of(values), Double::doubleValue);
    }

    private static Numbers noisy(double around, double noise, long seed) {
        Random chance = new Random(seed);
        return Numbers.of(Stream.generate(() -> around + noise * chance.nextGaussian()).limit(ROUNDS).toList(), Double::doubleValue);
    }

    @Test
    void aSingleValueIsAllThereIs() {
        assertEquals("1.25 [1.25, 1.25]", numbers(1.25).interval(2));
    }

    @Test
    void nothingIsADash() {
        assertEquals("–", numbers().interval(2));
        assertTrue(Double.isNaN(numbers().low()));
    }

    @Test
    void theMedianLiesInItsInterval() {
        Numbers few = numbers(3.0, 1.0, 2.0, 9.0, 4.0);
        assertEquals(3.0, few.median());
        assertTrue(few.low() <= 3.0 && 3.0 <= few.high(), few.interval(2));
        assertTrue(few.low() >= 1.0 && few.high() <= 9.0, few.interval(2));
    }

    /** Of 200 experiments about 190; fewer than 180 or all would be another interval. */
    @Test
    void nineteenOfTwentyIntervalsHoldTheTrueMedian() {
        long holding = IntStream.range(0, 200).mapToObj(seed -> noisy(1, 0.1, seed))
                .filter(numbers -> numbers.low() <= 1 && 1 <= numbers.high()).count();
        assertTrue(holding >= 180 && holding < 200, "held by " + holding);
    }

    /** Each process is some tenths off in all of its rounds: how many rounds it had does not make that surer. */
    @Test
    void processesThatDifferSayMoreThanTheirRounds() {
        List<List<Double>> lives = IntStream.range(0, 4).mapToObj(life -> Collections.nCopies(ROUNDS, 1 + life / 10.0)).toList();
        Numbers apart = Numbers.ofLives(lives);
        Numbers together = Numbers.of(lives.stream().flatMap(List::stream).toList(), Double::doubleValue);
        assertEquals(together.median(), apart.median());
        assertTrue(apart.high() - apart.low() > 0.15, apart.interval(2));
        assertTrue(together.high() - together.low() < apart.high() - apart.low(), together.interval(2));
    }

    @Test
    void aFewWildRoundsDoNotMoveIt() {
        List<Double> values = Stream.concat(Stream.generate(() -> 1.0).limit(55), Stream.generate(() -> 50.0).limit(5)).toList();
        assertEquals("1.00 [1.00, 1.00]", Numbers.of(values, Double::doubleValue).interval(2));
    }

    @Test
    void whatIsFarApartDoesNotOverlap() {
        assertFalse(noisy(1, 0.02, 1).overlaps(noisy(1.2, 0.02, 2)));
        assertTrue(noisy(1, 0.1, 1).overlaps(noisy(1.005, 0.1, 2)));
    }
}
