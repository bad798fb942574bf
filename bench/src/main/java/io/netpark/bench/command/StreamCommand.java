package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Notes;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.TransferTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Shape.Stream;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** Bytes in one direction, as fast as they go. */
@Command(name = "stream", description = "One way, 64 KiB and 1 MiB writes: GB/s and CPU a GB.")
final class StreamCommand extends Benchmark {

    private static final int CONNECTIONS = 4;
    private static final List<Stream> SHAPES = List.of(
            new Stream("64KiB", CONNECTIONS, 64 << 10),
            new Stream("1MiB", CONNECTIONS, 1 << 20));

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Report report = new Report(name(), "One-way stream", List.of(
                "The server writes blocks to " + CONNECTIONS + " connections as fast as they are taken; the generator"
                        + " compares every byte. The socket is full most of the time, so this is the cost of writes that"
                        + " have to wait.",
                options.extent() + "; " + cores.describe() + "."));
        for (Shape shape : options.shapes(options.quick ? SHAPES.subList(0, 1) : SHAPES)) {
            try (Match match = new Match(shape, options.plan(), options.fewerContenders(), cores, options.progress)) {
                report.add(new TransferTable(match.play(Optional.empty()), Notes.OF_SERVERS)
                        .against("floor", base -> base == Contender.FLOOR)
                        .section("Writes of " + shape.label()));
            }
        }
        return report;
    }
}
