package io.netpark.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One table, with the bars that show its most important column. Rows are added; cells are text as it will be read.
 */
public final class Section {

    private final String title;
    private final String chartTitle;
    private final List<String> columns;
    private final List<List<String>> rows = new ArrayList<>();
    private final List<Bar> bars = new ArrayList<>();
    private final List<Map<String, Object>> data = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * A bar of the chart.
     *
     * @param label whose
     * @param value how long it is
     * @param text what is written at its end
     * @param highlighted drawn in the other colour
     */
    public record Bar(String label, double value, String text, boolean highlighted) {}

    /**
     * An empty one.
     *
     * @param chartTitle what the bars show, with the unit
     * @param columns the first is aligned left, the others right
     */
    public Section(String title, String chartTitle, List<String> columns) {
        this.title = title;
        this.chartTitle = chartTitle;
        this.columns = columns;
    }

    /** Adds a row of the table. */
    public void row(List<String> cells) {
        rows.add(cells);
    }

    /** Adds a bar to the chart. */
    public void bar(Bar bar) {
        bars.add(bar);
    }

    /** Adds an object to the JSON. */
    public void data(Map<String, Object> object) {
        data.add(object);
    }

    /** Adds a sentence below the table. */
    public void note(String sentence) {
        notes.add(sentence);
    }

    public String title() {
        return title;
    }

    String chartTitle() {
        return chartTitle;
    }

    List<Bar> bars() {
        return bars;
    }

    List<Map<String, Object>> data() {
        return data;
    }

    List<String> notes() {
        return notes;
    }

    String markdown() {
        StringBuilder out = new StringBuilder("## ").append(title).append("\n\n");
        line(out, columns);
        out.append("|---").append("|---:".repeat(columns.size() - 1)).append("|\n");
        rows.forEach(row -> line(out, row));
        notes.forEach(note -> out.append("\n- ").append(note));
        return out.append(notes.isEmpty() ? "" : "\n").toString();
    }

    private static void line(StringBuilder out, List<String> cells) {
        out.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
}
