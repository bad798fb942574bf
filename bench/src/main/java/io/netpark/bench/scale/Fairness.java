package io.netpark.bench.scale;

import java.util.stream.LongStream;

/**
 * How evenly connections were served that were all kept busy.
 *
 * @param least answers of the connection that had the fewest, as a part of the mean
 * @param index of Jain: 1 if all had the same, 1/n if one had everything
 */
record Fairness(double least, double index) {

    /** By the answers that each had. */
    static Fairness of(long[] answers) {
        double sum = LongStream.of(answers).sum();
        double squares = LongStream.of(answers).mapToDouble(each -> (double) each * each).sum();
        double mean = sum / answers.length;
        return sum == 0 ? new Fairness(Double.NaN, Double.NaN)
                : new Fairness(LongStream.of(answers).min().orElse(0) / mean, sum * sum / (answers.length * squares));
    }
}
