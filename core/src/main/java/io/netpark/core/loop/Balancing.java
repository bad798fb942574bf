package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Chooses the event loop of a new connection, on which the connection stays. Called by any thread, also by several at the same time;
 * must not block.
 *
 * <p>{@link #roundRobin} is right for most: it costs nothing, and spreads short-lived connections evenly. If connections live long and
 * come and go unevenly, their number matters: {@link #powerOfTwoChoices} gets close to the even spread of {@link #leastConnections},
 * and not all threads choose the same loop at the same moment.
 */
@FunctionalInterface
public interface Balancing {

    /**
     * Chooses one.
     *
     * @param loops at least one
     * @param source a hash of the peer's address, without its port; 0 for a connection that is dialed or adopted
     */
    EventLoop choose(List<EventLoop> loops, int source);

    /** Each loop in its turn. */
    static Balancing roundRobin() {
        AtomicInteger turn = new AtomicInteger();
        return (loops, source) -> loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    /** A loop by lot. */
    static Balancing random() {
        return (loops, source) -> loops.get(loops.get(0).clock().draw(loops.size()));
    }

    /** The loop with the fewest descriptors. Costs a look at each loop. */
    static Balancing leastConnections() {
        return (loops, source) -> {
            EventLoop least = loops.get(0);
            for (int i = 1; i < loops.size(); i++) {
                least = lesser(least, loops.get(i));
            }
            return least;
        };
    }

    /** Of two loops that are drawn by lot, the loop with fewer descriptors (Mitzenmacher 2001). */
    static Balancing powerOfTwoChoices() {
        return (loops, source) -> {
            int size = loops.size();
            if (size == 1) {
                return loops.get(0);
            }
            Clock clock = loops.get(0).clock();
            int first = clock.draw(size);
            int second = (first + 1 + clock.draw(size - 1)) % size;
            return lesser(loops.get(first), loops.get(second));
        };
    }

    /**
     * The same loop for all connections from the same address, as long as the number of loops does not change: what
     * handlers keep for a client then needs no lock. Dialed and adopted connections go in turn.
     */
    static Balancing sourceHash() {
        Balancing others = roundRobin();
        return (loops, source) -> source == 0 ? others.choose(loops, source) : loops.get(Math.floorMod(source, loops.size()));
    }

    private static EventLoop lesser(EventLoop one, EventLoop other) {
        return other.descriptors() < one.descriptors() ? other : one;
    }
}
