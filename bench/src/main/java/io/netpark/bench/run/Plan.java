package io.netpark.bench.run;

/**
 * How much is measured.
 *
 * @param warmUpMillis for each, before the first round, at most: less if the compiler has nothing left to do
 * @param rounds how often each has its turn, at least
 * @param roundMillis how long a turn is measured
 * @param stop when there are rounds enough
 */
public record Plan(long warmUpMillis, int rounds, long roundMillis, Stop stop) {

    /** Of so many rounds. */
    public Plan(long warmUpMillis, int rounds, long roundMillis) {
        this(warmUpMillis, rounds, roundMillis, Stop.AFTER_THE_PLAN);
    }
}
