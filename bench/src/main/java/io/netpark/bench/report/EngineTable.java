package io.netpark.bench.report;

import io.netpark.bench.ktor.KtorContender;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;

/** Turns the records of a match between engines of Ktor into a table: each beside Netty's, and above what Ktor itself costs. */
public final class EngineTable {

    private final List<Record> records;
    private final Optional<Record> nothing;
    private final Optional<Record> netty;

    /** Of the records of {@link KtorContender}s. */
    public EngineTable(List<Record> records) {
        this.records = records;
        this.nothing = find(KtorContender.NULL);
        this.netty = find(KtorContender.NETTY);
    }

    private Optional<Record> find(Entrant contender) {
        return records.stream().filter(record -> record.contender() == contender && !record.samples().isEmpty()).findFirst();
    }

    /** The table, its chart and its data. */
    public Section section(String title) {
        Section section = new Section(title, "CPU of the server in µs a request, × netty", List.of(
                "engine", "Ktor", "CPU µs/request", "× netty", "above null, × netty's", "requests/s", "p50 µs", "p99 µs",
                "allocated B/request", "above null B", "system calls/request"));
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                section.row(row(record));
                section.bar(bar(record));
            }
            section.data(data(record));
        }
        Ranking ranking = new Ranking();
        records.stream().filter(record -> ((KtorContender) record.contender()).serves())
                .forEach(record -> ranking.add(record.contender().label(), TrafficTable.ratios(record, netty, Sample::cpuMicros)));
        ranking.add(section, KtorContender.NETTY.label());
        Notes.OF_SERVERS.add(section, records);
        return section;
    }

    private List<String> row(Record record) {
        List<Sample> samples = record.samples();
        KtorContender contender = (KtorContender) record.contender();
        List<String> row = new ArrayList<>(List.of(contender.label(), contender.version(),
                Numbers.of(samples, Sample::cpuMicros).text(2),
                contender.serves() ? TrafficTable.ratios(record, netty, Sample::cpuMicros).interval(2) : "–",
                contender.serves() ? share(record).interval(2) : "–",
                Numbers.of(samples, Sample::requestsPerSecond).text(0)));
        Histogram latencies = record.latencies();
        for (double percentile : new double[] {50, 99}) {
            row.add(contender.serves() ? Numbers.text(latencies.getValueAtPercentile(percentile) / 1e3, 0) : "–");
        }
        row.add(Numbers.of(samples, Sample::allocatedPerRequest).text(0));
        row.add(contender.serves() && contender.isOfKtor() ? above(record, Sample::allocatedPerRequest).text(0) : "–");
        row.add(contender.serves() ? Numbers.text(record.systemCalls().orElse(Double.NaN), 2) : "–");
        return row;
    }

    /** What it costs above Ktor itself, as a part of what Netty's engine costs above it; of the rounds around each. */
    private Numbers share(Record record) {
        Map<Integer, List<Double>> shares = new TreeMap<>();
        List<Sample> samples = record.samples();
        for (int round = 0; round < samples.size(); round++) {
            if (!samples.get(round).isDisturbed()) {
                int life = samples.get(round).life();
                double floor = around(nothing, round, life);
                double cost = samples.get(round).cpuMicros() - (((KtorContender) record.contender()).isOfKtor() ? floor : 0);
                shares.computeIfAbsent(life, first -> new ArrayList<>()).add(cost / (around(netty, round, life) - floor));
            }
        }
        return Numbers.ofLives(shares.values());
    }

    private static double around(Optional<Record> record, int round, int life) {
        return Pairs.around(record.map(Record::samples).orElse(List.of()), round, life, Sample::cpuMicros);
    }

    private Numbers above(Record record, ToDoubleFunction<Sample> cost) {
        List<Double> differences = new ArrayList<>();
        List<Sample> floor = nothing.map(Record::samples).orElse(List.of());
        for (int round = 0; round < Math.min(floor.size(), record.samples().size()); round++) {
            differences.add(cost.applyAsDouble(record.samples().get(round)) - cost.applyAsDouble(floor.get(round)));
        }
        return Numbers.of(differences, Double::doubleValue);
    }

    private Bar bar(Record record) {
        Numbers cpu = Numbers.of(record.samples(), Sample::cpuMicros);
        double ratio = TrafficTable.ratios(record, netty, Sample::cpuMicros).median();
        return new Bar(record.contender().label(), cpu.median(),
                cpu.text(2) + (Double.isNaN(ratio) ? "" : "  ×" + Numbers.text(ratio, 2)), record.contender().isNetpark());
    }

    private Map<String, Object> data(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("server", record.contender().label());
        object.put("ktor", ((KtorContender) record.contender()).version());
        record.failure().ifPresent(reason -> object.put("failure", reason));
        object.put("ratio", TrafficTable.ratios(record, netty, Sample::cpuMicros).median());
        object.put("shareAboveNull", share(record).median());
        object.put("allocatedAboveNull", above(record, Sample::allocatedPerRequest).median());
        record.systemCalls().ifPresent(calls -> object.put("systemCalls", calls));
        object.put("rounds", record.samples().stream().map(TrafficTable::data).toList());
        return object;
    }

    /** The same engines under an open loop. */
    public Section tail(String title, int rate) {
        Section section = new Section(title, "p99.9 in µs", List.of(
                "engine", "Ktor", "requests/s", "p50 µs", "p99 µs", "p99.9 µs", "largest µs", "CPU µs/request"));
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                Histogram latencies = record.latencies();
                KtorContender contender = (KtorContender) record.contender();
                List<String> row = new ArrayList<>(List.of(contender.label(), contender.version(),
                        Numbers.of(record.samples(), Sample::requestsPerSecond).text(0)));
                for (double percentile : new double[] {50, 99, 99.9, 100}) {
                    row.add(Numbers.text(latencies.getValueAtPercentile(percentile) / 1e3, 0));
                }
                row.add(Numbers.of(record.samples(), Sample::cpuMicros).text(2));
                section.row(row);
                double p999 = latencies.getValueAtPercentile(99.9) / 1e3;
                section.bar(new Bar(record.contender().label(), p999, Numbers.text(p999, 0), record.contender().isNetpark()));
            }
            record.failure().ifPresent(reason -> section.note(record.contender().label() + " dropped out: " + reason));
            Map<String, Object> object = data(record);
            object.put("rate", rate);
            section.data(object);
        }
        return section;
    }
}
