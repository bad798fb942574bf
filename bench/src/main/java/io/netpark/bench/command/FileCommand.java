package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.Notes;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.TransferTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.FileContender;
import io.netpark.bench.run.FileContender.Way;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Shape.Download;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** A file in the page cache, sent by the kernel and copied. */
@Command(name = "file", description = "A file to each connection, by sendfile and copied: GB/s and CPU a GB.")
final class FileCommand extends Benchmark {

    private static final int CONNECTIONS = 4;
    private static final Download SHAPE = new Download("32MiB", CONNECTIONS, 32 << 20);

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Optional<SystemCalls> counter = options.counter();
        List<Way> ways = options.shapes(List.of(Way.values()), Way::label);
        List<FileContender> senders = options.fewer(options.contenders(Contender.ofFiles())).stream()
                .flatMap(server -> FileContender.of(server).stream()).filter(sender -> ways.contains(sender.way())).toList();
        Report report = new Report(name(), "Files", List.of(
                "The server sends a file of " + (SHAPE.size() >> 20) + " MiB, which is in the page cache, to " + CONNECTIONS
                        + " connections again and again; the generator compares every byte. `-sendfile`: by sendfile(2), an"
                        + " `OpenFile`, Netty's `DefaultFileRegion`, nginx with `sendfile on`. `-copied`: through memory"
                        + " outside the heap, 64 KiB at a time, a `FileChannel`, Netty's direct buffers, nginx with"
                        + " `sendfile off`. `-heap`: the plain way, read into 64 KiB of the heap and written from there.",
                "CPU is user and system time of the server's process; \"× heap\" is its ratio to netpark-coroutine-heap in"
                        + " the rounds around, \"× nginx\" to nginx-sendfile, as median [95 % interval]. nginx is one process,"
                        + " and is asked over HTTP; the others are asked by eight bytes. " + options.extent() + "; "
                        + cores.describe() + ".",
                Options.aboutSystemCalls(counter)));
        try (Match match = new Match(SHAPE, options.plan(), senders, sender -> sender.start(SHAPE, cores), cores,
                options.progress)) {
            report.add(section(match.play(counter)));
        }
        return report;
    }

    private Section section(List<Record> records) {
        Section section = new TransferTable(records, Notes.OF_SERVERS)
                .against("heap", base -> base.label().startsWith("netpark-coroutine-heap"))
                .against("nginx", base -> base.label().equals("nginx-sendfile"))
                .section("A file of " + SHAPE.label());
        options.absences().forEach(section::note);
        return section;
    }
}
