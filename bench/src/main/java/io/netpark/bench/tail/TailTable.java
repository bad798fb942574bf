package io.netpark.bench.tail;

import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/** The records of an open loop as a table. */
final class TailTable {

    private static final double[] OF_ROUNDS = {50, 99, 99.9};
    private static final double[] OF_ALL = {99.99, 100};

    private final List<Record> records;

    TailTable(List<Record> records) {
        this.records = records;
    }

    Section section(String title) {
        Section section = new Section(title, "p99.9 in µs, rounds without a collection", List.of(
                "server", "rounds", "requests/s", "p50 µs", "p99 µs", "p99.9 µs", "p99.99 µs", "largest µs", "CPU µs/request"));
        for (Record record : records) {
            add(section, record, false);
            if (record.contender().isJvm()) {
                add(section, record, true);
            }
            record.failure().ifPresent(reason -> section.note(record.contender().label() + " dropped out: " + reason));
        }
        return section;
    }

    /** Rounds in which others had the core say nothing of a server's latencies. */
    private void add(Section section, Record record, boolean hasCollection) {
        List<Sample> rounds = IntStream.range(0, record.samples().size())
                .filter(round -> !record.contender().isJvm() || Collected.hasCollection(round) == hasCollection)
                .mapToObj(record.samples()::get).toList();
        List<Sample> calm = rounds.stream().filter(sample -> !sample.isDisturbed()).toList();
        String label = record.contender().label() + (hasCollection ? ", a collection in each" : "");
        if (calm.isEmpty()) {
            if (!rounds.isEmpty()) {
                section.note(label + ": others had the core in all of its " + rounds.size() + " rounds.");
            }
            return;
        }
        List<String> row = new ArrayList<>(List.of(label, calm.size() + " of " + rounds.size(),
                Numbers.of(calm, Sample::requestsPerSecond).text(0)));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("server", record.contender().label());
        data.put("collection", hasCollection);
        for (double percentile : OF_ROUNDS) {
            Numbers micros = Numbers.of(calm, sample -> sample.latencies().getValueAtPercentile(percentile) / 1e3);
            row.add(micros.interval(0));
            data.put("p" + percentile + "Micros", List.of(micros.low(), micros.median(), micros.high()));
        }
        Histogram all = new Histogram(calm.get(0).latencies());
        calm.forEach(sample -> all.add(sample.latencies()));
        for (double percentile : OF_ALL) {
            row.add(Numbers.text(all.getValueAtPercentile(percentile) / 1e3, 0));
            data.put("p" + percentile + "Micros", all.getValueAtPercentile(percentile) / 1e3);
        }
        row.add(Numbers.of(calm, Sample::cpuMicros).interval(2));
        data.put("rounds", rounds.stream().map(TrafficTable::data).toList());
        section.row(row);
        section.data(data);
        if (!hasCollection) {
            double p999 = Numbers.of(calm, sample -> sample.latencies().getValueAtPercentile(99.9) / 1e3).median();
            section.bar(new Bar(label, p999, Numbers.text(p999, 0), record.contender().isNetpark()));
        }
    }
}
