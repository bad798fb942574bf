package io.netpark.bench.report;

import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Entrant;
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
    /** Whom the others are compared with, the first in the chart as well; empty who is not there. */
    private final Map<Entrant, Optional<Record>> bases = new LinkedHashMap<>();

    /** @param unit what is counted: "request", "connection" */
    public TrafficTable(List<Record> records, String unit) {
        this(records, unit, Contender.FLOOR);
    }

    /** @param base whom the others are compared with */
    public TrafficTable(List<Record> records, String unit, Entrant base) {
        this(records, unit, List.of(base));
    }

    /** @param bases whom the others are compared with, at least one */
    public TrafficTable(List<Record> records, String unit, List<? extends Entrant> bases) {
        this.records = records;
        this.unit = unit;
        for (Entrant base : bases) {
            this.bases.put(base, records.stream()
                    .filter(record -> record.contender().equals(base) && !record.samples().isEmpty()).findFirst());
        }
    }

    /** The table, its chart and its data. */
    public Section section(String title) {
        List<String> ratios = bases.keySet().stream().map(base -> "× " + base.label()).toList();
        List<String> columns = new ArrayList<>(List.of("server", "CPU µs/" + unit, "user", "kernel"));
        columns.addAll(ratios);
        columns.addAll(List.of(unit + "s/s", "p50 µs", "p99 µs", "p99.9 µs", "RSS MiB",
                "allocated B/" + unit, "system calls/" + unit));
        Section section = new Section(title,
                "CPU of the server in µs a " + unit + (first().isPresent() ? ", " + ratios.get(0) : ""), columns);
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                section.row(row(record));
                section.bar(bar(record));
            }
            section.data(data(record));
        }
        Ranking ranking = new Ranking();
        records.forEach(record -> ranking.add(record.contender().label(), ratios(record, first())));
        ranking.add(section, bases.keySet().iterator().next().label());
        Notes.OF_SERVERS.add(section, records);
        return section;
    }

    private List<String> row(Record record) {
        List<Sample> samples = record.samples();
        Histogram latencies = record.latencies();
        Numbers cpu = Numbers.of(samples, Sample::cpuMicros);
        double kernel = record.kernelShare();
        List<String> row = new ArrayList<>(List.of(record.contender().label(), cpu.text(2),
                Numbers.text(cpu.median() * (1 - kernel), 2), Numbers.text(cpu.median() * kernel, 2)));
        bases.values().forEach(base -> row.add(ratios(record, base).interval(2)));
        row.addAll(List.of(Numbers.of(samples, Sample::requestsPerSecond).text(0),
                micros(latencies, 50), micros(latencies, 99), micros(latencies, 99.9),
                Numbers.of(samples, sample -> sample.resident() / 1048576.0).text(0),
                record.contender().isJvm() ? Numbers.of(samples, Sample::allocatedPerRequest).text(1) : "–",
                Numbers.text(record.systemCalls().orElse(Double.NaN), 2)));
        return row;
    }

    private Bar bar(Record record) {
        Numbers cpu = Numbers.of(record.samples(), Sample::cpuMicros);
        double ratio = ratios(record, first()).median();
        return new Bar(record.contender().label(), cpu.median(),
                cpu.text(2) + (Double.isNaN(ratio) ? "" : "  ×" + Numbers.text(ratio, 2)), record.contender().isNetpark());
    }

    private static String micros(Histogram latencies, double percentile) {
        return Numbers.text(latencies.getValueAtPercentile(percentile) / 1e3, 0);
    }

    private Optional<Record> first() {
        return bases.values().iterator().next();
    }

    /** To those of the rounds around. */
    private static Numbers ratios(Record record, Optional<Record> base) {
        return ratios(record, base, Sample::cpuMicros);
    }

    /** As the other, of any cost. */
    static Numbers ratios(Record record, Optional<Record> base, ToDoubleFunction<Sample> cost) {
        return Pairs.ratios(record.samples(), base.map(Record::samples).orElse(List.of()), cost);
    }

    private Map<String, Object> data(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("server", record.contender().label());
        record.failure().ifPresent(reason -> object.put("failure", reason));
        Numbers ratio = ratios(record, first());
        object.put("ratio", ratio.median());
        object.put("ratioLow", ratio.low());
        object.put("ratioHigh", ratio.high());
        bases.forEach((base, samples) -> {
            if (samples.isPresent() && bases.size() > 1) {
                object.put("ratioTo " + base.label(), ratios(record, samples).median());
            }
        });
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
        object.put("kernelShare", sample.kernelShare());
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
