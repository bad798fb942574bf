package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Processes that live through a whole match, or through as many rounds of it as the plan gives each life. A round gives each a turn, in
 * another order every time, while the others sleep: so what changes on the machine in the meantime changes for all. One that fails
 * drops out, and the others go on.
 */
final class Rounds<P extends Closeable> implements Closeable {

    private final String name;
    private final Plan plan;
    private final Progress progress;
    private final Map<Entrant, Supplier<P>> starts = new LinkedHashMap<>();
    private final Map<Entrant, P> running = new LinkedHashMap<>();
    private final Map<Entrant, Record> records = new LinkedHashMap<>();

    /** What is done in a turn. */
    interface Turn<P> {
        Sample play(P process, long millis);
    }

    /**
     * Starts all.
     *
     * @param name of the match, for who waits
     */
    <E extends Entrant> Rounds(String name, Plan plan, Progress progress, List<E> contenders, Function<E, P> start) {
        this.name = name;
        this.plan = plan;
        this.progress = progress;
        for (E contender : contenders) {
            records.put(contender, new Record(contender));
            starts.put(contender, () -> start.apply(contender));
        }
        startAll();
    }

    private void startAll() {
        for (Map.Entry<Entrant, Supplier<P>> each : List.copyOf(starts.entrySet())) {
            try {
                running.put(each.getKey(), each.getValue().get());
            } catch (BenchFailure e) {
                dropOut(each.getKey(), e);
            }
        }
    }

    /**
     * The rounds: those of the plan, and more until there are enough, or fewer if the time is over. Each life begins with a warm-up, and
     * has its part of the rounds and of the time; more rounds are of the last.
     */
    void play(Consumer<P> warmUp, Turn<P> turn) {
        long playing = 0;
        int round = 0;
        for (int life = 0; life < plan.lives(); life++) {
            if (life > 0) {
                endAll();
                startAll();
            }
            each(plan.lives() == 1 ? "warm-up" : "warm-up " + (life + 1) + " of " + plan.lives(), (process, record) -> warmUp.accept(process));
            int in = life;
            long begin = System.nanoTime();
            long spent;
            do {
                boolean planned = round < plan.rounds();
                each("round " + (round + 1) + (planned ? " of " + plan.rounds() : ""), order(round),
                        (process, record) -> record.add(turn.play(process, plan.roundMillis()).in(in)));
                round++;
                spent = playing + (System.nanoTime() - begin) / 1_000_000;
            } while (!isOver(life, round, spent));
            playing = spent;
        }
    }

    private boolean isOver(int life, int rounds, long spent) {
        int begun = life + 1;
        return plan.stop().isOver(spent * plan.lives() / begun)
                || rounds >= plan.rounds() * begun / plan.lives() && (begun < plan.lives() || plan.stop().isEnough(records(), spent));
    }

    /** Every second time backwards, or the same two would always follow each other. */
    private List<Entrant> order(int round) {
        List<Entrant> order = new ArrayList<>(records.keySet());
        Collections.rotate(order, round * (1 + order.size() / 2));
        if (round % 2 == 1) {
            Collections.reverse(order);
        }
        return order;
    }

    /** Something else that is done with each: to warm up, or to count. */
    void each(String step, BiConsumer<P, Record> what) {
        each(step, new ArrayList<>(records.keySet()), what);
    }

    private void each(String step, List<Entrant> order, BiConsumer<P, Record> what) {
        progress.say(name + ": " + step);
        for (Entrant contender : order) {
            P process = running.get(contender);
            if (process != null) {
                try {
                    what.accept(process, records.get(contender));
                } catch (BenchFailure e) {
                    dropOut(contender, e);
                }
            }
        }
    }

    private void dropOut(Entrant contender, BenchFailure reason) {
        Record record = records.get(contender);
        String why = reason.getMessage();
        assert record != null && why != null;
        progress.say(name + ": " + contender.label() + " drops out: " + why);
        record.fail(why);
        starts.remove(contender);
        P process = running.remove(contender);
        if (process != null) {
            close(process);
        }
    }

    /** What each did, in the order in which they were given. */
    List<Record> records() {
        return List.copyOf(records.values());
    }

    @Override
    public void close() {
        running.values().forEach(Rounds::close);
    }

    private void endAll() {
        close();
        running.clear();
    }

    private static void close(Closeable process) {
        try {
            process.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
