package io.netpark.bench.report;

import java.util.Arrays;
import org.apache.commons.math3.random.RandomGenerator;
import org.apache.commons.math3.random.Well19937c;
import org.apache.commons.math3.stat.descriptive.rank.Median;
import org.apache.commons.math3.stat.descriptive.rank.Percentile;

/**
 * How sure a median is: the percentile bootstrap (Efron, Tibshirani: An Introduction to the Bootstrap, chapter 13). The median is taken
 * of many samples that are drawn from the values, each as large as they are; 95 of 100 such medians lie in the interval. Values of
 * several processes are drawn in two steps, a process and then a value of it (Kalibera, Jones: Rigorous Benchmarking in Reasonable
 * Time): rounds of one process are alike by more than chance.
 */
final class Bootstrap {

    private static final int DRAWS = 2000;
    private static final double OUTSIDE = 5;
    /** The same values have the same interval. */
    private static final long SEED = 1;

    private Bootstrap() {}

    /**
     * Lower and upper end of the 95 % interval of the median; both are the value of a single one.
     *
     * @param lives values of each process; none is empty
     */
    static double[] interval(double[][] lives) {
        RandomGenerator chance = new Well19937c(SEED);
        Median median = new Median();
        double[] medians = new double[DRAWS];
        for (int draw = 0; draw < DRAWS; draw++) {
            medians[draw] = median.evaluate(Arrays.stream(lives)
                    .map(any -> lives.length == 1 ? any : lives[chance.nextInt(lives.length)])
                    .flatMapToDouble(life -> Arrays.stream(life).map(any -> life[chance.nextInt(life.length)]))
                    .toArray());
        }
        Percentile percentile = new Percentile();
        percentile.setData(medians);
        return new double[] {percentile.evaluate(OUTSIDE / 2), percentile.evaluate(100 - OUTSIDE / 2)};
    }
}
