package io.netpark.bench.start;

import io.netpark.bench.machine.Measured;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Pairs;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Turns starts into a table: of those without an archive, or of those with one. */
final class StartTable {

    private static final double NANOS = 1e6;
    private static final double MEBIBYTE = 1048576.0;
    private static final int PERCENT = 100;

    private final List<Starter> all;
    private final boolean isPrepared;

    /** @param all with an archive and without */
    StartTable(List<Starter> all, boolean isPrepared) {
        this.all = all;
        this.isPrepared = isPrepared;
    }

    /** The table, its chart and its data. */
    Section section() {
        List<String> columns = new ArrayList<>(List.of("server", "ms to listening", "ms to the first answer", "ms after nio", "CPU ms"));
        if (isPrepared) {
            columns.add("ms after the same without");
        }
        columns.addAll(List.of("heap MiB", "RSS MiB"));
        Section section = new Section(isPrepared ? "With " + Archive.kind() : "As it is", "ms to the first answer", columns);
        List<String> disturbed = new ArrayList<>();
        for (Starter starter : all) {
            if (starter.isPrepared() == isPrepared) {
                add(section, starter);
                long out = starter.starts().stream().filter(Measured::isDisturbed).count();
                if (out > 0) {
                    disturbed.add(starter.contender().label() + " (" + out + " of " + starter.starts().size() + ")");
                }
            }
        }
        if (!disturbed.isEmpty()) {
            section.note("Starts in which others had more than " + Numbers.text(PERCENT * Measured.DISTURBING, 0)
                    + " % of the core are not in the times: " + String.join(", ", disturbed) + ".");
        }
        return section;
    }

    private void add(Section section, Starter starter) {
        String label = starter.contender().label();
        starter.failure().ifPresent(reason -> section.note(label + " dropped out: " + reason));
        if (!starter.starts().isEmpty()) {
            List<Start> clear = starter.starts().stream().filter(start -> !start.isDisturbed()).toList();
            Numbers millis = Numbers.of(clear, start -> start.nanos() / NANOS);
            List<String> row = new ArrayList<>(List.of(label, Numbers.of(clear, start -> start.listening() / NANOS).interval(0),
                    millis.interval(0), after(starter, Contender.NIO, isPrepared).interval(0),
                    Numbers.of(clear, start -> start.cpu() / NANOS).interval(0)));
            if (isPrepared) {
                row.add(after(starter, starter.contender(), false).interval(0));
            }
            row.add(Numbers.of(starter.starts(), start -> start.heap() / MEBIBYTE).text(1));
            row.add(Numbers.of(starter.starts(), start -> start.resident() / MEBIBYTE).text(1));
            section.row(row);
            section.bar(new Bar(label, millis.median(), millis.text(0), starter.contender().isNetpark()));
        }
        section.data(data(starter));
    }

    /** How much later its first answer is than that of another, in the rounds around. */
    private Numbers after(Starter starter, Contender other, boolean prepared) {
        List<Start> base = all.stream().filter(each -> each.contender() == other && each.isPrepared() == prepared)
                .findFirst().map(Starter::starts).orElse(List.of());
        return Pairs.differences(starter.starts(), base, start -> start.nanos() / NANOS);
    }

    private static Map<String, Object> data(Starter starter) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("server", starter.contender().label());
        data.put("prepared", starter.isPrepared());
        starter.failure().ifPresent(reason -> data.put("failure", reason));
        data.put("rounds", starter.starts().stream().map(start -> {
            Map<String, Object> round = new LinkedHashMap<>();
            round.put("listeningNanos", start.listening());
            round.put("answerNanos", start.nanos());
            round.put("cpuNanos", start.cpu());
            round.put("othersShare", start.othersShare());
            round.put("heapBytes", start.heap());
            round.put("residentBytes", start.resident());
            return round;
        }).toList());
        return data;
    }
}
