package io.netpark.bench.run;

import java.util.List;

/** When there have been rounds enough, beyond those that are always played. */
public interface Stop {

    /** After the rounds of the plan. */
    Stop AFTER_THE_PLAN = (records, spentMillis) -> true;

    /**
     * Asked after each round, from the last of the plan on.
     *
     * @param records of all, with what they have done so far
     * @param spentMillis since the first round began
     */
    boolean isEnough(List<Record> records, long spentMillis);

    /** Whether no more round begins, also of those of the plan. */
    default boolean isOver(long spentMillis) {
        return false;
    }

    /** The same, but not for longer than that. */
    default Stop within(long millis) {
        Stop other = this;
        return new Stop() {
            @Override
            public boolean isEnough(List<Record> records, long spentMillis) {
                return other.isEnough(records, spentMillis);
            }

            @Override
            public boolean isOver(long spentMillis) {
                return spentMillis >= millis;
            }
        };
    }
}
