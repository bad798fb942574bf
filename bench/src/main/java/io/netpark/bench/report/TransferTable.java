package io.netpark.bench.report;

import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Entrant;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/** Turns the records of a match in which bytes are counted into a table. */
public final class TransferTable {

    private final List<Record> records;
    private final Notes notes;
    /** By what the table calls them. */
    private final Map<String, Optional<Record>> bases = new LinkedHashMap<>();

    /** @param notes of whom it is */
    public TransferTable(List<Record> records, Notes notes) {
        this.records = records;
        this.notes = notes;
    }

    /** Compares all with the first such. */
    public TransferTable against(String name, Predicate<Entrant> base) {
        bases.put(name, records.stream()
                .filter(record -> base.test(record.contender()) && !record.samples().isEmpty()).findFirst());
        return this;
    }

    /** The table, its chart and its data. */
    public Section section(String title) {
        List<String> columns = new ArrayList<>(List.of(notes.who(), "CPU s/GB", "user", "kernel"));
        bases.keySet().forEach(base -> columns.add("× " + base));
        columns.addAll(List.of("GB/s", "RSS MiB", "allocated B/MB", "system calls/GB"));
        Section section = new Section(title, "CPU of the " + notes.who() + " in s a GB", columns);
        for (Record record : records) {
            if (!record.samples().isEmpty()) {
                Numbers cpu = Numbers.of(record.samples(), Sample::cpuSecondsPerGigabyte);
                section.row(row(record, cpu));
                section.bar(new Bar(record.contender().label(), cpu.median(), cpu.text(3), record.contender().isNetpark()));
            }
            section.data(data(record));
        }
        bases.entrySet().stream().findFirst().ifPresent(first -> {
            Ranking ranking = new Ranking();
            records.forEach(record -> ranking.add(record.contender().label(), ratios(record, first.getValue())));
            ranking.add(section, first.getKey());
        });
        notes.add(section, records);
        return section;
    }

    private List<String> row(Record record, Numbers cpu) {
        List<Sample> samples = record.samples();
        List<String> row = new ArrayList<>(List.of(record.contender().label(), cpu.text(3),
                Numbers.text(cpu.median() * (1 - record.kernelShare()), 3), Numbers.text(cpu.median() * record.kernelShare(), 3)));
        bases.values().forEach(base -> row.add(ratios(record, base).interval(2)));
        row.add(Numbers.of(samples, Sample::gigabytesPerSecond).text(2));
        row.add(Numbers.of(samples, sample -> sample.resident() / 1048576.0).text(0));
        row.add(record.contender().isJvm()
                ? Numbers.of(samples, sample -> sample.allocated() * 1e6 / sample.bytes()).text(0) : "–");
        row.add(Numbers.text(record.systemCallsPerGigabyte().orElse(Double.NaN), 0));
        return row;
    }

    private static Numbers ratios(Record record, Optional<Record> base) {
        return TrafficTable.ratios(record, base, Sample::cpuSecondsPerGigabyte);
    }

    private Map<String, Object> data(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put(notes.who(), record.contender().label());
        record.failure().ifPresent(reason -> object.put("failure", reason));
        bases.forEach((name, base) -> {
            if (base.isPresent()) {
                object.put("ratioTo" + Character.toUpperCase(name.charAt(0)) + name.substring(1), ratios(record, base).median());
            }
        });
        record.systemCallsPerGigabyte().ifPresent(calls -> object.put("systemCallsPerGigabyte", calls));
        object.put("rounds", record.samples().stream().map(TrafficTable::data).toList());
        return object;
    }
}
