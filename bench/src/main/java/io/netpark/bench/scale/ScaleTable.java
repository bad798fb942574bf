package io.netpark.bench.scale;

import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Pairs;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Servers by one loop and by two. */
final class ScaleTable {

    private final List<Record> records;
    private final Crowd crowd;

    ScaleTable(List<Record> records, Crowd crowd) {
        this.records = records;
        this.crowd = crowd;
    }

    Section section(String title) {
        Section section = new Section(title, "CPU of the server in µs a request, × 1 loop", List.of(
                "server", "CPU µs/request", "user", "kernel", "× 1 loop", "× floor", "requests/s", "requests/s × 1 loop", "server's cores",
                "p50 µs", "p99 µs", "least served", "Jain's index"));
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                add(section, record);
            }
            record.failure().ifPresent(reason -> section.note(record.contender().label() + " dropped out: " + reason));
            long out = record.samples().size() - record.undisturbed();
            if (out > 0) {
                section.note("Rounds of " + record.contender().label() + " in which others had the cores, in no ratio: " + out + " of "
                        + record.samples().size() + ".");
            }
        }
        return section;
    }

    private void add(Section section, Record record) {
        List<Sample> samples = record.samples();
        Loops server = (Loops) record.contender();
        Numbers cpu = Numbers.of(samples, Sample::cpuMicros);
        double kernel = record.kernelShare();
        Numbers toOne = ratios(record, new Loops(server.server(), 1), Sample::cpuMicros);
        Numbers toFloor = ratios(record, new Loops(Contender.FLOOR, server.loops()), Sample::cpuMicros);
        Numbers more = ratios(record, new Loops(server.server(), 1), Sample::requestsPerSecond);
        List<Fairness> fairness = crowd.fairness(server);
        Numbers least = Numbers.of(fairness, Fairness::least);
        section.row(List.of(server.label(), cpu.text(2), Numbers.text(cpu.median() * (1 - kernel), 2),
                Numbers.text(cpu.median() * kernel, 2), toOne.interval(2), toFloor.interval(2),
                Numbers.of(samples, Sample::requestsPerSecond).text(0), more.interval(2),
                Numbers.of(samples, Sample::serverShare).text(2),
                Numbers.text(record.latencies().getValueAtPercentile(50) / 1e3, 0),
                Numbers.text(record.latencies().getValueAtPercentile(99) / 1e3, 0),
                least.interval(2), Numbers.of(fairness, Fairness::index).interval(3)));
        section.bar(new Bar(server.label(), cpu.median(), cpu.text(2) + "  ×" + toOne.text(2), server.isNetpark()));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("server", server.label());
        data.put("toOneLoop", ends(toOne));
        data.put("toFloor", ends(toFloor));
        data.put("leastServed", fairness.stream().map(Fairness::least).toList());
        data.put("jain", fairness.stream().map(Fairness::index).toList());
        data.put("rounds", samples.stream().map(TrafficTable::data).toList());
        section.data(data);
    }

    private static List<Double> ends(Numbers numbers) {
        return List.of(numbers.low(), numbers.median(), numbers.high());
    }

    private Numbers ratios(Record record, Loops base, ToDoubleFunction<Sample> cost) {
        List<Sample> samples = records.stream().filter(each -> each.contender().equals(base)).findFirst().map(Record::samples)
                .orElse(List.of());
        return Pairs.ratios(record.samples(), samples, cost);
    }
}
