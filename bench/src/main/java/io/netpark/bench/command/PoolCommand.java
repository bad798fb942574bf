package io.netpark.bench.command;

import io.netpark.bench.jmh.JmhRun;
import io.netpark.bench.jmh.Pools;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.util.Statistics;
import picocli.CommandLine.Command;

/** What a pool adds to the use of a connection. */
@Command(name = "pool", description = "Borrowing from a pool and giving back: nanoseconds, and bytes allocated.")
final class PoolCommand extends Benchmark {

    private static final double MEDIAN = 50;

    /**
     * One line of the table.
     *
     * @param method of {@link Pools}
     */
    private record Case(String label, String method, int threads) {

        boolean isNetpark() {
            return !method.equals("commons");
        }
    }

    private static final List<Case> CASES = List.of(
            new Case("netpark core, on the loop", "coreOnLoop", 1),
            new Case("netpark core, another thread", "core", 1),
            new Case("netpark core, 2 threads", "core", 2),
            new Case("netpark ConnectionPool.use, on the loop", "use", 1),
            new Case("commons-pool2, plain objects", "commons", 1),
            new Case("commons-pool2, plain objects, 2 threads", "commons", 2));

    @Override
    protected Report measure() {
        Report report = new Report(name(), "Pool", List.of(
                "One borrow and one return, where something is idle; measured by JMH, the median of its iterations and their"
                        + " range. With 2 threads on one pool it is the time of each thread.",
                "Netpark's pool looks at the socket both times, by two system calls: what it lends is not closed, and nothing"
                        + " unasked has come. Commons Pool has plain objects here and looks at nothing: it shows what the"
                        + " bookkeeping alone can cost."));
        Section section = new Section("Borrow and return", "ns", List.of("pool", "ns", "allocated B"));
        for (Case row : CASES) {
            options.progress.say("pool: " + row.label());
            measure(row, section);
        }
        report.add(section);
        return report;
    }

    private void measure(Case row, Section section) {
        JmhRun run = JmhRun.of("pool", Pools.class.getName() + "." + row.method(), Map.of(), row.threads(), options.quick);
        Statistics nanos = run.nanos();
        double median = nanos.getPercentile(MEDIAN);
        double allocated = run.allocated();
        section.row(List.of(row.label(), Numbers.text(median, 0) + " (" + Numbers.text(nanos.getMin(), 0) + "–"
                + Numbers.text(nanos.getMax(), 0) + ")", Numbers.text(allocated, 0)));
        section.bar(new Bar(row.label(), median, Numbers.text(median, 0), row.isNetpark()));
        section.data(Map.of("pool", row.label(), "threads", row.threads(), "nanos", median,
                "smallestNanos", nanos.getMin(), "largestNanos", nanos.getMax(), "allocatedBytes", allocated));
    }
}
