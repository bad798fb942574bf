package io.netpark.bench.report;

import io.netpark.bench.machine.Measured;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleBinaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Pairs each round of a server with the rounds of another around it: the machine is faster in one minute than in the next, and is so
 * for both. The other's cost is the mean of its rounds before, in and after that round, of the same life. Rounds in which others had the
 * core are left out on both sides, see {@link Measured#isDisturbed}.
 */
public final class Pairs {

    private Pairs() {}

    /** What a cost is as a part of the other's. */
    public static <S extends Measured> Numbers ratios(List<S> samples, List<S> base, ToDoubleFunction<S> cost) {
        return compared(samples, base, cost, (own, other) -> own / other);
    }

    /** What a cost is more than the other's, in its unit. */
    public static <S extends Measured> Numbers differences(List<S> samples, List<S> base, ToDoubleFunction<S> cost) {
        return compared(samples, base, cost, (own, other) -> own - other);
    }

    private static <S extends Measured> Numbers compared(List<S> samples, List<S> base, ToDoubleFunction<S> cost,
            DoubleBinaryOperator comparison) {
        Map<Integer, List<Double>> compared = new TreeMap<>();
        for (int round = 0; round < samples.size(); round++) {
            S own = samples.get(round);
            double other = around(base, round, own.life(), cost);
            if (!own.isDisturbed() && !Double.isNaN(other)) {
                compared.computeIfAbsent(own.life(), life -> new ArrayList<>()).add(comparison.applyAsDouble(cost.applyAsDouble(own), other));
            }
        }
        return Numbers.ofLives(compared.values());
    }

    /** The mean cost around a round of a life; NaN if there is none. */
    static <S extends Measured> double around(List<S> base, int round, int life, ToDoubleFunction<S> cost) {
        return IntStream.rangeClosed(round - 1, round + 1).filter(each -> each >= 0 && each < base.size())
                .mapToObj(base::get).filter(sample -> sample.life() == life && !sample.isDisturbed())
                .mapToDouble(cost).average().orElse(Double.NaN);
    }
}
