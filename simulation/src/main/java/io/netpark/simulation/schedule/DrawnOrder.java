package io.netpark.simulation.schedule;

import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** By lot. */
final class DrawnOrder implements Order {

    /** One in so many calls returns late, and one in so many looks at the clock is: not each, which would cost. */
    private static final int DAWDLING = 4;
    /** Another series of lots for the order than for what the program draws. */
    private static final long SERIES = 0x5DEECE66DL;

    private final long seed;
    private final Random lots;

    DrawnOrder(long seed) {
        this.seed = seed;
        this.lots = new Random(seed * SERIES + 1);
    }

    @Override
    public Participant next(List<Participant> ready, @Nullable Participant running) {
        return ready.get(lots.nextInt(ready.size()));
    }

    @Override
    public boolean mayPassAfterCall() {
        return lots.nextInt(DAWDLING) == 0;
    }

    @Override
    public boolean mayPassAtClock() {
        return lots.nextInt(DAWDLING) == 0;
    }

    @Override
    public String toString() {
        return "seed " + seed;
    }
}
