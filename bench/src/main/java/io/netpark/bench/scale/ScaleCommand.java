package io.netpark.bench.scale;

import io.netpark.bench.command.Benchmark;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Report;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Shape.Echo;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** What a second loop costs and brings. */
@Command(name = "scale", description = "An echo by one loop and by two, on cores that they share with the generator: cost and fairness.")
public final class ScaleCommand extends Benchmark {

    private static final List<Echo> SHAPES = List.of(new Echo("100x1KiB", 100, 0, 1024, 1), new Echo("1000x1KiB", 1_000, 0, 1024, 1));

    @Override
    protected Report measure() {
        List<Loops> contenders = options.fewerOf(Loops.all());
        if (contenders.isEmpty()) {
            throw new BenchFailure("nobody can take part");
        }
        int cores = Cores.allowed().size();
        Report report = new Report(name(), "One loop and two", List.of(
                "Each server with one loop and with two, its processes and the generator's free to run on all of " + cores + " cores."
                        + " The generator takes of them what it needs, so two loops do not bring twice as many requests: what can be read"
                        + " is the cost of a request, and whether it grows with the second loop.",
                "\"× 1 loop\" is the ratio to the same server with one loop in the rounds around, as median [95 % interval]. Fairness is of the"
                        + " connections, all of which are kept busy: answers of the one that had the fewest, as a part of the mean, and Jain's"
                        + " index, 1 if all had the same.",
                options.extent() + "."));
        for (Echo shape : options.shapes(SHAPES, Echo::label)) {
            Crowd crowd = new Crowd(shape);
            try (Match match = new Match(crowd, options.plan(), contenders, contender -> contender.start(crowd.service()),
                    new Cores(-1, -1), options.progress)) {
                List<Record> records = match.play(Optional.empty());
                report.add(new ScaleTable(records, crowd).section(shape.label()));
            }
        }
        return report;
    }
}
