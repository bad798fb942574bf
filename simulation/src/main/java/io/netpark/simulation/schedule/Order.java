package io.netpark.simulation.schedule;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** How it is decided whose turn it is. With the lock of the {@link Baton}. One that is made anew decides the same again. */
interface Order {

    /**
     * Who is next.
     *
     * @param ready who can go on, in the order in which they came: at least two
     * @param running the one of them that runs now, or null if it does not go on
     */
    Participant next(List<Participant> ready, @Nullable Participant running);

    /** Whether others may have their turn after a call, before the thread that has made it sees what it says. */
    boolean mayPassAfterCall();

    /** Whether others may have their turn before a thread that looks at the clock sees what it says. */
    boolean mayPassAtClock();

    /** How to have it again, for people. */
    @Override
    String toString();
}
