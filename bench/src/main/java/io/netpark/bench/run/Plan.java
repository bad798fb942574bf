package io.netpark.bench.run;

import java.util.List;

/**
 * How much is measured.
 *
 * @param contenders who takes part, in this order
 * @param warmUpMillis for each, before the first round, at most: less if the compiler has nothing left to do
 * @param rounds how often each has its turn
 * @param roundMillis how long a turn is measured
 */
public record Plan(List<Contender> contenders, long warmUpMillis, int rounds, long roundMillis) {}
