package io.netpark.bench.tail;

import io.netpark.bench.command.Benchmark;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape.Echo;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Latencies of servers that are not at their limit. */
@Command(name = "tail", description = "Latencies of an echo by an open loop at 30, 60 and 80 %% of what the floor can do, with collections.")
public final class TailCommand extends Benchmark {

    private static final Echo SHAPE = new Echo("100x1KiB", 100, 0, 1024, 1);
    private static final List<Integer> PERCENTS = List.of(30, 60, 80);
    private static final int ROUNDS_OF_THE_FLOOR = 9;

    @Option(names = "--full", description = "Requests a second of which the shapes are per cent; by default what the floor answers.")
    private @Nullable Integer full;

    private final Cores cores = Cores.choose();

    @Override
    protected Report measure() {
        List<Contender> contenders = options.fewerOf(List.of(Contender.FLOOR, Contender.NETTY, Contender.VT, Contender.COROUTINE_FFM,
                Contender.CALLBACK_FFM, Contender.COROUTINE_JNA, Contender.CALLBACK_JNA));
        if (contenders.isEmpty()) {
            throw new BenchFailure("nobody can take part");
        }
        Integer asked = full;
        int most = asked != null ? asked : most(contenders.get(0));
        Report report = new Report(name(), "The tail of an open loop", List.of(
                "An echo of 1 KiB on " + SHAPE.active() + " connections. Requests begin at random times, so many a second, whatever has become"
                        + " of those before; a latency begins when its request's time has come, whether a connection was free or not. So nothing"
                        + " is omitted that would have come during a stall.",
                "100 % is " + (asked != null ? "as asked for" : "what " + contenders.get(0).label() + " answers in a closed loop")
                        + ": " + Numbers.text(most, 0) + " requests a second.",
                "In the middle of every second round of a JVM its heap is collected in full (System.gc); those rounds have a row of their own."
                        + " p50 to p99.9 are medians of rounds [95 % interval], p99.99 and the largest are of all rounds together.",
                options.extent() + "; " + cores.describe() + "."));
        for (int percent : options.shapes(PERCENTS, Object::toString)) {
            int rate = Math.max(1, most * percent / 100);
            String title = percent + " %: " + Numbers.text(rate, 0) + " requests a second";
            report.add(new TailTable(play(contenders, rate)).section(title));
        }
        return report;
    }

    /** What it answers when it is kept busy. */
    private int most(Contender contender) {
        Plan plan = options.plan();
        try (Match match = new Match(SHAPE, new Plan(plan.warmUpMillis(), Math.min(plan.rounds(), ROUNDS_OF_THE_FLOOR), plan.roundMillis()),
                List.of(contender), cores, options.progress)) {
            Record record = match.play(Optional.empty()).get(0);
            if (record.samples().isEmpty()) {
                throw new BenchFailure(contender.label() + " dropped out: " + record.failure().orElse(""));
            }
            return (int) Numbers.of(record.samples(), Sample::requestsPerSecond).median();
        }
    }

    private List<Record> play(List<Contender> contenders, int rate) {
        Collected shape = new Collected(new Paced(SHAPE, SHAPE.active(), rate));
        try (Match match = new Match(shape, options.plan(), contenders,
                contender -> shape.with(ServerProcess.start(contender, shape.service(), cores)), cores, options.progress)) {
            return match.play(Optional.empty());
        }
    }
}
