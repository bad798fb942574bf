package io.netpark.bench.wake;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Progress;
import io.netpark.bench.wake.Sleeper.Wakes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** From another thread's task to its run on a loop that slept, in rounds, beside two threads in C. */
public final class TaskWakes {

    private final Section section = new Section("Task to loop", "µs, p99",
            List.of("server", "p50 µs", "p99 µs", "p99.9 µs", "p99 × futex", "p99 × epoll"));
    private final List<Sleeper> sleepers = new ArrayList<>();

    private TaskWakes() {}

    /**
     * Measures it.
     *
     * @param rounds in each of which everybody has a turn
     * @param count wakes a turn
     */
    public static Section measure(List<Contender> contenders, int rounds, int count, Progress progress) {
        TaskWakes wakes = new TaskWakes();
        try {
            wakes.start("floor, futex", () -> Sleeper.inC("futex"));
            wakes.start("floor, epoll", () -> Sleeper.inC("epoll"));
            contenders.stream().filter(Contender::isJvm).forEach(each -> wakes.start(each.label(), () -> Sleeper.loop(each)));
            for (int round = 0; round < rounds; round++) {
                progress.say("wake: tasks, round " + (round + 1) + " of " + rounds);
                wakes.play(count);
            }
            return wakes.table();
        } finally {
            wakes.sleepers.forEach(Sleeper::close);
        }
    }

    private void start(String label, Supplier<Optional<Sleeper>> sleeper) {
        try {
            sleeper.get().ifPresent(sleepers::add);
        } catch (BenchFailure e) {
            section.note(label + " dropped out: " + e.getMessage());
        }
    }

    private void play(int count) {
        List<Sleeper> order = new ArrayList<>(sleepers);
        Collections.rotate(order, sleepers.isEmpty() ? 0 : sleepers.get(0).rounds().size());
        for (Sleeper sleeper : order) {
            try {
                sleeper.play(count);
            } catch (BenchFailure e) {
                section.note(sleeper.label() + " dropped out: " + e.getMessage());
                sleepers.remove(sleeper);
                sleeper.close();
            }
        }
    }

    private Section table() {
        for (Sleeper sleeper : sleepers) {
            Numbers p99 = micros(sleeper, Wakes::p99);
            section.row(List.of(sleeper.label(), micros(sleeper, Wakes::p50).interval(1), p99.interval(1),
                    micros(sleeper, Wakes::p999).interval(1), ratio(sleeper, "floor, futex").interval(2),
                    ratio(sleeper, "floor, epoll").interval(2)));
            section.bar(new Bar(sleeper.label(), p99.median(), p99.text(1), sleeper.isNetpark()));
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("server", sleeper.label());
            data.put("p50Nanos", sleeper.rounds().stream().map(Wakes::p50).toList());
            data.put("p99Nanos", sleeper.rounds().stream().map(Wakes::p99).toList());
            data.put("p999Nanos", sleeper.rounds().stream().map(Wakes::p999).toList());
            section.data(data);
        }
        return section;
    }

    private static Numbers micros(Sleeper sleeper, ToDoubleFunction<Wakes> percentile) {
        return Numbers.of(sleeper.rounds(), wakes -> percentile.applyAsDouble(wakes) / 1e3);
    }

    /** To the other's p99 of the same round. */
    private Numbers ratio(Sleeper sleeper, String base) {
        List<Double> ratios = new ArrayList<>();
        sleepers.stream().filter(each -> each.label().equals(base)).findFirst().ifPresent(other -> {
            for (int round = 0; round < Math.min(sleeper.rounds().size(), other.rounds().size()); round++) {
                ratios.add((double) sleeper.rounds().get(round).p99() / other.rounds().get(round).p99());
            }
        });
        return Numbers.of(ratios, Double::doubleValue);
    }
}
