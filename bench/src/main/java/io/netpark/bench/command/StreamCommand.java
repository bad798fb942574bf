package io.netpark.bench.command;

import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Cores;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Shape.Stream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    Report measure() {
        Cores cores = Cores.choose();
        Report report = new Report(name(), "One-way stream", List.of(
                "The server writes blocks to " + CONNECTIONS + " connections as fast as they are taken; the generator"
                        + " compares every byte. The socket is full most of the time, so this is the cost of writes that"
                        + " have to wait.",
                options.extent() + "; " + cores.describe() + "."));
        for (Shape shape : options.shapes(options.quick ? SHAPES.subList(0, 1) : SHAPES)) {
            try (Match match = new Match(shape, options.plan(options.fewerContenders()), cores, options.progress)) {
                report.add(section("Writes of " + shape.label(), match.play(Optional.empty())));
            }
        }
        return report;
    }

    static Section section(String title, List<Record> records) {
        Optional<Record> floor = records.stream()
                .filter(record -> record.contender() == Contender.FLOOR && !record.samples().isEmpty()).findFirst();
        Section section = new Section(title, "CPU of the server in s a GB",
                List.of("server", "CPU s/GB", "× floor", "GB/s", "RSS MiB", "allocated B/MB"));
        for (Record record : records) {
            List<Sample> samples = record.samples();
            if (!samples.isEmpty()) {
                Numbers cpu = Numbers.of(samples, Sample::cpuSecondsPerGigabyte);
                section.row(List.of(record.contender().label(), cpu.text(3),
                        TrafficTable.ratios(record, floor, Sample::cpuSecondsPerGigabyte).range(2),
                        Numbers.of(samples, Sample::gigabytesPerSecond).text(2),
                        Numbers.of(samples, sample -> sample.resident() / 1048576.0).text(0),
                        Numbers.of(samples, sample -> sample.allocated() * 1e6 / sample.bytes()).text(0)));
                section.bar(new Bar(record.contender().label(), cpu.median(), cpu.text(3),
                        record.contender().isNetpark()));
            }
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("server", record.contender().label());
            record.failure().ifPresent(reason -> object.put("failure", reason));
            object.put("rounds", samples.stream().map(TrafficTable::data).toList());
            section.data(object);
        }
        TrafficTable.notes(section, records);
        return section;
    }
}
