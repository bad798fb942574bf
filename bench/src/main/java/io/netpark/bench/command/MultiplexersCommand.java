package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.multiplex.Multiplex;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;

/** The old comparison, done once more. */
@Command(name = "multiplexers", description = "Time of one wait with 10 active among many watched: select, poll, epoll.")
final class MultiplexersCommand extends Benchmark {

    private static final int ACTIVE = 10;
    private static final List<Integer> COUNTS = List.of(100, 300, 900, 3_000, 10_000, 15_000);
    private static final List<String> NAMES = List.of("select", "poll", "epoll");

    @Override
    protected Report measure() {
        Report report = new Report(name(), "One wait: select, poll, epoll", List.of(
                "The time to look once, without waiting, at so many eventfds of which " + ACTIVE + " are readable, and to"
                        + " find those. Median of batches of 50.",
                "select can only watch descriptors numbered below 1 024. select and poll are handed the whole set each"
                        + " time and walk through it; epoll keeps it in the kernel and copies out the events of the"
                        + " ready ones. No memory is shared between kernel and program by any of the three."));
        Map<String, Double> micros = run();
        Section section = new Section("Time of one wait, " + ACTIVE + " active", "µs",
                List.of("watched", "select µs", "poll µs", "epoll µs"));
        for (int count : COUNTS) {
            List<String> row = new ArrayList<>(List.of(Numbers.text(count, 0)));
            for (String name : NAMES) {
                double time = micros.getOrDefault(name + " " + count, Double.NaN);
                row.add(Numbers.text(time, 2));
                if (!Double.isNaN(time)) {
                    section.bar(new Bar(name + ", " + Numbers.text(count, 0), time, Numbers.text(time, 2),
                            name.equals("epoll")));
                    section.data(Map.of("multiplexer", name, "watched", count, "active", ACTIVE, "micros", time));
                }
            }
            section.row(row);
        }
        report.add(section);
        return report;
    }

    private Map<String, Double> run() {
        options.progress.say("multiplexers: measuring");
        List<String> arguments = new ArrayList<>(List.of(Integer.toString(ACTIVE), options.quick ? "150" : "1000"));
        COUNTS.forEach(count -> arguments.add(Integer.toString(count)));
        Map<String, Double> micros = new HashMap<>();
        List<String> command = Jvm.command(List.of(), Multiplex.class, arguments.toArray(String[]::new));
        try (Child child = new Child("multiplexers", command, Cores.choose().server(),
                Folders.target().resolve("multiplexers.log"))) {
            for (String line = child.line(Duration.ofSeconds(60)); !line.equals("end");
                    line = child.line(Duration.ofSeconds(60))) {
                String[] words = line.split(" ");
                micros.put(words[0] + " " + words[1], Double.parseDouble(words[2]) / 1e3);
            }
        }
        return micros;
    }
}
