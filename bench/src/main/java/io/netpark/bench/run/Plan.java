package io.netpark.bench.run;

/**
 * How much is measured.
 *
 * @param warmUpMillis for each, before the first round, at most: less if the compiler has nothing left to do
 * @param rounds how often each has its turn
 * @param roundMillis how long a turn is measured
 */
public record Plan(long warmUpMillis, int rounds, long roundMillis) {}
