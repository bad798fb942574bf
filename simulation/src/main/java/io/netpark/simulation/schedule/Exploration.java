package io.netpark.simulation.schedule;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs a small program in every order that its first decisions allow, instead of in the order of a seed. A decision is a moment at which
 * more than one thread can go on: before and after each system call that moves bytes or connections, and whenever a thread waits. Of
 * decisions behind those the order is one and the same. The chance of the program is that of one seed.
 *
 * <pre>{@code
 * long orders = Exploration.of(8).run(schedule -> {
 *     SimulatedKernel kernel = new SimulatedKernel(schedule);
 *     schedule.run(() -> {
 *         … // what is not of interest
 *         schedule.explore();
 *         … // what is
 *         return null;
 *     });
 * });
 * }</pre>
 *
 * <p>The number of orders grows fast: with two threads it doubles with each decision. The program must do the same again in the same
 * order, so only those act in it that take part in its {@link Schedule}.
 */
public final class Exploration {

    /** A program that is run again and again, from its beginning to its end. */
    @FunctionalInterface
    public interface Program {

        /**
         * Runs it once.
         *
         * @param schedule a new one, in which it runs itself, and which it tells by {@link Schedule#explore} where the decisions begin
         * @throws Exception if it has gone wrong
         */
        void run(Schedule schedule) throws Exception;
    }

    private final int decisions;

    private Exploration(int decisions) {
        this.decisions = decisions;
    }

    /**
     * All orders of so many decisions.
     *
     * @param decisions at least 0
     */
    public static Exploration of(int decisions) {
        if (decisions < 0) {
            throw new IllegalArgumentException("the decisions must not be negative: " + decisions);
        }
        return new Exploration(decisions);
    }

    /**
     * Runs a program in one order after the other, on the calling thread, up to the first in which it fails.
     *
     * @return how many orders there were
     * @throws Exception what the program throws. If it comes out of {@link Schedule#run}, the order and the last calls go with it as a
     *     suppressed exception
     * @throws IllegalStateException if the program does not call {@link Schedule#explore}, or does not do again what it did
     */
    public long run(Program program) throws Exception {
        long orders = 0;
        for (List<Integer> choices = List.of(); choices != null; orders++) {
            choices = run(choices, program);
        }
        return orders;
    }

    /**
     * Runs a program in one order, such as one in which it has failed.
     *
     * @param choices those that the suppressed exception names
     * @throws Exception what the program throws
     */
    public void replay(List<Integer> choices, Program program) throws Exception {
        run(List.copyOf(choices), program);
    }

    private @Nullable List<Integer> run(List<Integer> choices, Program program) throws Exception {
        ChosenOrder order = new ChosenOrder(choices, decisions);
        program.run(new Schedule(order));
        return order.following();
    }

    @Override
    public String toString() {
        return "all orders of " + decisions + " decisions";
    }
}
