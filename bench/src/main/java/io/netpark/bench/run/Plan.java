package io.netpark.bench.run;

/**
 * How much is measured.
 *
 * @param warmUpMillis for each, before the first round, at most: less if the compiler has nothing left to do
 * @param rounds how often each has its turn, at least
 * @param roundMillis how long a turn is measured
 * @param stop when there are rounds enough
 * @param lives in how many processes each lives, one after the other, for as many rounds each: what a process is dealt by chance when
 *     it starts, such as where its memory lies, is the same in all of its rounds
 */
public record Plan(long warmUpMillis, int rounds, long roundMillis, Stop stop, int lives) {

    /** Of so many rounds, in one process each. */
    public Plan(long warmUpMillis, int rounds, long roundMillis) {
        this(warmUpMillis, rounds, roundMillis, Stop.AFTER_THE_PLAN, 1);
    }
}
