package io.netpark.simulation.schedule;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * By a list of choices: for each decision from some moment on, which of those that can go on is next. Whoever runs is choice 0, if it can
 * go on. Where the list is at its end choice 0 is taken, up to a number of decisions. Before and after that it is decided by lot.
 */
final class ChosenOrder implements Order {

    private final List<Integer> given;
    private final int most;
    private final DrawnOrder otherwise = new DrawnOrder(0);
    private final List<Integer> taken = new ArrayList<>();
    /** Of how many each of {@link #taken} was one. */
    private final List<Integer> counts = new ArrayList<>();
    private boolean begun;
    /** Why the list does not fit what happens; null if it does. Told at the end: whoever decides must not fail. */
    private @Nullable String misfit;

    ChosenOrder(List<Integer> given, int most) {
        this.given = given;
        this.most = most;
    }

    /** The decisions from now on are those of the list. */
    void begin() {
        begun = true;
    }

    @Override
    public Participant next(List<Participant> ready, @Nullable Participant running) {
        if (!isChoosing()) {
            return otherwise.next(ready, running);
        }
        List<Participant> choices = new ArrayList<>(ready);
        if (running != null && choices.remove(running)) {
            choices.add(0, running);
        }
        int decision = taken.size();
        int choice = decision < given.size() ? given.get(decision) : 0;
        if (choice >= choices.size()) {
            misfit = "there is no choice " + choice + " of " + choices.size() + " at decision " + decision;
            choice = 0;
        }
        taken.add(choice);
        counts.add(choices.size());
        return choices.get(choice);
    }

    @Override
    public boolean mayPassAfterCall() {
        return isChoosing() || otherwise.mayPassAfterCall();
    }

    @Override
    public boolean mayPassAtClock() {
        return isChoosing() || otherwise.mayPassAtClock();
    }

    private boolean isChoosing() {
        return begun && taken.size() < most;
    }

    /**
     * The choices of the next order, depth first; null if this was the last. When the program is over.
     *
     * @throws IllegalStateException if it was not the program of the list
     */
    @Nullable List<Integer> following() {
        if (!begun) {
            throw new IllegalStateException("the program does not say where it is to be explored: Schedule.explore has not been called");
        }
        if (misfit != null || taken.size() < given.size()) {
            throw new IllegalStateException("the program does not do again what it did: "
                    + (misfit != null ? misfit : "it has decided " + taken.size() + " times, and not " + given.size() + " times"));
        }
        for (int last = taken.size() - 1; last >= 0; last--) {
            if (taken.get(last) + 1 < counts.get(last)) {
                List<Integer> next = new ArrayList<>(taken.subList(0, last));
                next.add(taken.get(last) + 1);
                return next;
            }
        }
        return null;
    }

    @Override
    public String toString() {
        return "the order " + taken;
    }
}
