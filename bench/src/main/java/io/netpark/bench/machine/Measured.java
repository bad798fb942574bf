package io.netpark.bench.machine;

/** What was measured in one turn on the server's core. */
public interface Measured {

    /** As much of its time may others have had the core before a round is thrown out. */
    double DISTURBING = 0.1;

    /** Share of the time that the core was somebody else's. */
    double othersShare();

    /** In which process of those that were measured one after the other, from 0. */
    default int life() {
        return 0;
    }

    /** Whether others had the core so long that the round says nothing. */
    default boolean isDisturbed() {
        return othersShare() > DISTURBING;
    }
}
