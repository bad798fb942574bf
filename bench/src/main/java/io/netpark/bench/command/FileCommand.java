package io.netpark.bench.command;

import io.netpark.bench.report.Report;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Cores;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Shape.Download;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** A file in the page cache, sent by the kernel and copied. */
@Command(name = "file", description = "A file to each connection, by sendfile and copied: GB/s and CPU a GB.")
final class FileCommand extends Benchmark {

    private static final int CONNECTIONS = 4;
    private static final int SIZE = 32 << 20;
    private static final List<Download> SHAPES = List.of(
            new Download("sendfile", CONNECTIONS, SIZE, false),
            new Download("copied", CONNECTIONS, SIZE, true));

    @Override
    Report measure() {
        Cores cores = Cores.choose();
        List<Contender> contenders = options.fewerContenders().stream().filter(Contender::sendsFiles).toList();
        Report report = new Report(name(), "Files", List.of(
                "The server sends a file of " + (SIZE >> 20) + " MiB, which is in the page cache, to " + CONNECTIONS
                        + " connections again and again; the generator compares every byte. By sendfile(2): an `OpenFile`,"
                        + " Netty's `DefaultFileRegion`. Copied: a `FileChannel`, read into native memory 64 KiB at a time.",
                options.extent() + "; " + cores.describe() + "."));
        for (Download shape : options.shapes(SHAPES)) {
            try (Match match = new Match(shape, options.plan(contenders), cores, options.progress)) {
                report.add(StreamCommand.section("A file, " + shape.label(), match.play(Optional.empty())));
            }
        }
        return report;
    }
}
