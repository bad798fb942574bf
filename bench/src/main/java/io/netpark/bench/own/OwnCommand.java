package io.netpark.bench.own;

import io.netpark.bench.jmh.JmhRun;
import io.netpark.bench.machine.CoreClock;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Measured;
import io.netpark.bench.machine.Meter;
import io.netpark.bench.own.Recorded.Cost;
import io.netpark.bench.report.Machine;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.util.Statistics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a request costs without a kernel. */
@Command(
        name = "own",
        description = "A request through the complete stack, above a C library that answers from memory: nanoseconds and bytes allocated.",
        mixinStandardHelpOptions = true)
public final class OwnCommand implements Callable<Integer> {

    private static final double MEDIAN = 50;
    private static final int MANY = 100;
    private static final int LOOK_MILLIS = 1_000;
    private static final long LAST_BEGIN_NANOS = TimeUnit.SECONDS.toNanos(40);

    @Option(names = "--quick", description = "One fork, short iterations: a first impression.")
    private boolean quick;

    @Option(names = "--compare", description = "Measures Netpark briefly, less than a minute, and warns of what is more than 10 %% off the"
            + " recorded figures. Writes nothing, and never fails for that.")
    private boolean compares;

    @Option(names = "--results", description = "Folder of the results; bench/results by default.")
    private @Nullable Path results;

    @Override
    public Integer call() throws IOException {
        if (compares) {
            compare();
            return 0;
        }
        Report report = new Report("own", "What a request costs the library itself", List.of(
                "A request through the complete stack, from the loop's question what is ready to the next one, measured by JMH. The C"
                        + " library below answers from memory: a connection always has a request, and takes any answer. So there is no"
                        + " kernel in these figures, and next to nothing of the machine's noise.",
                "Netty stands beside it by its EmbeddedChannel: a buffer of its pool, its pipeline and the queue of what is to be written."
                        + " Netty's event loop and transport are not in that, so a server on Netty costs more.",
                "With 1 connection each request has a turn of the loop to itself; with " + MANY + " as many share one. Nanoseconds are"
                        + " the median of JMH's iterations, and their range."));
        for (int connections : new int[] {1, MANY}) {
            report.add(section(connections));
        }
        System.out.println(report.tables());
        System.out.println("wrote " + report.write(folder()));
        return 0;
    }

    private Path folder() {
        return results == null ? Folders.results() : results;
    }

    private void compare() throws IOException {
        Path file = folder().resolve("own.md");
        if (!Files.exists(file)) {
            System.out.println("own: nothing is recorded in " + file);
            return;
        }
        Recorded recorded = Recorded.of(Files.readAllLines(file), title(MANY));
        String processor = Machine.processor();
        if (!processor.equals(recorded.processor())) {
            System.out.println("own: recorded on " + recorded.processor() + ", and this is " + processor + ": not compared");
            return;
        }
        double others = others();
        if (others > Measured.DISTURBING) {
            System.out.println("own: others have " + Numbers.text(100 * others, 0) + " % of the cores: not compared");
            return;
        }
        Map<String, Cost> measured = new LinkedHashMap<>();
        long begin = System.nanoTime();
        for (Subject subject : Subject.values()) {
            if (System.nanoTime() - begin > LAST_BEGIN_NANOS) {
                System.out.println("own: no time for " + subject.label());
                continue;
            }
            JmhRun run = JmhRun.of("own", Own.class.getName() + ".request",
                    Map.of("server", subject.label(), "connections", "" + MANY), 1, true);
            measured.put(subject.label(), new Cost(run.nanos().getPercentile(MEDIAN), run.allocated()));
        }
        measured.forEach((server, cost) -> System.out.println("own: " + server + " " + Numbers.text(cost.nanos(), 0) + " ns"));
        recorded.warnings(measured).forEach(warning -> System.out.println("warning: own: " + warning));
    }

    /** What part of the cores others have, in a second in which this does nothing. */
    private static double others() {
        List<Integer> cores = Cores.allowed();
        long before = cores.stream().mapToLong(CoreClock::busy).sum();
        Meter.pause(LOOK_MILLIS);
        long busy = cores.stream().mapToLong(CoreClock::busy).sum() - before;
        return busy / 1e6 / LOOK_MILLIS / Math.max(1, cores.size());
    }

    private static String title(int connections) {
        return connections == 1 ? "1 connection" : connections + " connections";
    }

    private Section section(int connections) {
        Section section = new Section(title(connections), "ns a request",
                List.of("server", "ns/request", "allocated B/request"));
        for (Subject subject : Subject.values()) {
            measure(section, subject.label(), Own.class, subject.label(), connections);
        }
        for (String server : List.of("echo", "frame")) {
            measure(section, server + "-netty (embedded)", NettyOwn.class, server, connections);
        }
        return section;
    }

    private void measure(Section section, String label, Class<?> benchmark, String server, int connections) {
        JmhRun run = JmhRun.of("own", benchmark.getName() + ".request",
                Map.of("server", server, "connections", "" + connections), 1, quick);
        Statistics nanos = run.nanos();
        double median = nanos.getPercentile(MEDIAN);
        System.out.println(label + ", " + connections + ": " + Numbers.text(median, 0) + " ns");
        section.row(List.of(label, Numbers.text(median, 0) + " (" + Numbers.text(nanos.getMin(), 0) + "–"
                + Numbers.text(nanos.getMax(), 0) + ")", Numbers.text(run.allocated(), 1)));
        section.bar(new Bar(label, median, Numbers.text(median, 0), benchmark == Own.class));
        section.data(Map.of("server", label, "connections", connections, "nanos", median,
                "smallestNanos", nanos.getMin(), "largestNanos", nanos.getMax(), "allocatedBytes", run.allocated()));
    }
}
