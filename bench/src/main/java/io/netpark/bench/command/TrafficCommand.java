package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** A benchmark in which requests are counted: a match a shape. */
@Command
abstract class TrafficCommand extends Benchmark {

    abstract String title();

    abstract String introduction();

    /** What is counted. */
    String unit() {
        return "request";
    }

    abstract List<? extends Shape> all();

    /** Those that a quick run has time for. */
    List<? extends Shape> quick() {
        return all();
    }

    /** Whom the others are compared with. */
    Contender base() {
        return Contender.FLOOR;
    }

    /** What that is, for the report. */
    String baseIs() {
        return "the C server";
    }

    /** Who takes part; fewer when time is short and not everybody is worth it. */
    List<Contender> contenders() {
        return options.fewerContenders();
    }

    /** Whether it is worth the time to count system calls, when time is short. */
    boolean countsWhenQuick() {
        return false;
    }

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Optional<SystemCalls> counter = options.quick && !countsWhenQuick() ? Optional.empty() : options.counter();
        List<String> introduction = new ArrayList<>(List.of(
                introduction(),
                "CPU is user and system time of the server's process; \"× " + base().label() + "\" is its ratio to "
                        + baseIs() + " in the rounds around, as median [95 % interval]. "
                        + options.extent() + "; " + cores.describe() + "."));
        introduction.add(Options.aboutSystemCalls(counter));
        Report report = new Report(name(), title(), introduction);
        List<? extends Shape> shapes = options.quick ? quick() : all();
        for (Shape shape : options.shapes(shapes)) {
            try (Match match = new Match(shape, options.plan(), contenders(), cores, options.progress)) {
                report.add(new TrafficTable(match.play(counter), unit(), base()).section(shape.label()));
            }
        }
        return report;
    }
}
