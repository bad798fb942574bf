package io.netpark.bench.report;

import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;

/** Turns the records of a match in which requests are counted into a table. */
public final class TrafficTable {

    private final List<Record> records;
    private final String unit;
    private final Contender base;
    private final Optional<Record> floor;

    /** @param unit what is counted: "request", "connection" */
    public TrafficTable(List<Record> records, String unit) {
        this(records, unit, Contender.FLOOR);
    }

    /** @param base whom the others are compared with */
    public TrafficTable(List<Record> records, String unit, Contender base) {
        this.records = records;
        this.unit = unit;
        this.base = base;
        this.floor = records.stream()
                .filter(record -> record.contender() == base && !record.samples().isEmpty()).findFirst();
    }

    /** The table, its chart and its data. */
    public Section section(String title) {
        String ratio = "× " + base.label();
        Section section = new Section(title, "CPU of the server in µs a " + unit + (floor.isPresent() ? ", " + ratio : ""),
                List.of("server", "CPU µs/" + unit, ratio, unit + "s/s", "p50 µs", "p99 µs", "p99.9 µs", "RSS MiB",
                        "allocated B/" + unit, "system calls/" + unit));
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                section.row(row(record));
                section.bar(bar(record));
            }
            section.data(data(record));
        }
        Notes.OF_SERVERS.add(section, records);
        return section;
    }

    private List<String> row(Record record) {
        List<Sample> samples = record.samples();
        Histogram latencies = record.latencies();
        return List.of(record.contender().label(),
                Numbers.of(samples, Sample::cpuMicros).text(2),
                ratios(record).range(2),
                Numbers.of(samples, Sample::requestsPerSecond).text(0),
                micros(latencies, 50), micros(latencies, 99), micros(latencies, 99.9),
                Numbers.of(samples, sample -> sample.resident() / 1048576.0).text(0),
                record.contender().isJvm() ? Numbers.of(samples, Sample::allocatedPerRequest).text(1) : "–",
                Numbers.text(record.systemCalls().orElse(Double.NaN), 2));
    }

    private Bar bar(Record record) {
        Numbers cpu = Numbers.of(record.samples(), Sample::cpuMicros);
        double ratio = ratios(record).median();
        return new Bar(record.contender().label(), cpu.median(),
                cpu.text(2) + (Double.isNaN(ratio) ? "" : "  ×" + Numbers.text(ratio, 2)), record.contender().isNetpark());
    }

    private static String micros(Histogram latencies, double percentile) {
        return Numbers.text(latencies.getValueAtPercentile(percentile) / 1e3, 0);
    }

    /** To the floor of the same round. */
    private Numbers ratios(Record record) {
        return ratios(record, floor, Sample::cpuMicros);
    }

    static Numbers ratios(Record record, Optional<Record> floor, ToDoubleFunction<Sample> cost) {
        List<Double> ratios = new ArrayList<>();
        List<Sample> base = floor.map(Record::samples).orElse(List.of());
        for (int round = 0; round < Math.min(base.size(), record.samples().size()); round++) {
            ratios.add(cost.applyAsDouble(record.samples().get(round)) / cost.applyAsDouble(base.get(round)));
        }
        return Numbers.of(ratios, Double::doubleValue);
    }

    private Map<String, Object> data(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("server", record.contender().label());
        record.failure().ifPresent(reason -> object.put("failure", reason));
        object.put("ratio", ratios(record).median());
        record.systemCalls().ifPresent(calls -> object.put("systemCalls", calls));
        object.put("rounds", record.samples().stream().map(TrafficTable::data).toList());
        return object;
    }

    /** One round. */
    public static Map<String, Object> data(Sample sample) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("requests", sample.requests());
        object.put("bytes", sample.bytes());
        object.put("nanos", sample.nanos());
        object.put("cpuNanos", sample.cpu());
        object.put("cpuMicrosPerRequest", sample.cpuMicros());
        object.put("requestsPerSecond", sample.requestsPerSecond());
        object.put("p50Nanos", sample.latencies().getValueAtPercentile(50));
        object.put("p99Nanos", sample.latencies().getValueAtPercentile(99));
        object.put("p999Nanos", sample.latencies().getValueAtPercentile(99.9));
        object.put("residentBytes", sample.resident());
        object.put("allocatedBytes", sample.allocated());
        object.put("serverShare", sample.serverShare());
        object.put("generatorShare", sample.loadShare());
        object.put("othersShare", sample.othersShare());
        return object;
    }
}
