package io.netpark.bench.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The result of one benchmark: sections, and where they were measured. */
public final class Report {

    private final String name;
    private final String title;
    private final List<String> introduction;
    private final List<Section> sections = new ArrayList<>();

    /**
     * An empty one.
     *
     * @param name of its files
     * @param introduction what was measured and how to read it; facts about this run
     */
    public Report(String name, String title, List<String> introduction) {
        this.name = name;
        this.title = title;
        this.introduction = introduction;
    }

    public void add(Section section) {
        sections.add(section);
    }

    /** Writes NAME.md, NAME.json and NAME.svg into a folder, and returns the first. */
    public Path write(Path folder) {
        Map<String, Object> machine = Machine.facts();
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(name + ".json"), Json.write(json(machine)));
            Files.writeString(folder.resolve(name + ".svg"), Chart.svg(title, sections));
            return Files.writeString(folder.resolve(name + ".md"), markdown(machine));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, Object> json(Map<String, Object> machine) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("name", name);
        json.put("title", title);
        json.put("machine", machine);
        List<Object> measured = new ArrayList<>();
        for (Section section : sections) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("title", section.title());
            object.put("data", section.data());
            object.put("notes", section.notes());
            measured.add(object);
        }
        json.put("sections", measured);
        return json;
    }

    private String markdown(Map<String, Object> machine) {
        StringBuilder out = new StringBuilder("# ").append(title).append("\n\n");
        introduction.forEach(paragraph -> out.append(paragraph).append("\n\n"));
        out.append("![chart](").append(name).append(".svg)\n\n");
        sections.forEach(section -> out.append(section.markdown()).append('\n'));
        out.append("## Measured on\n\n");
        machine.forEach((key, value) -> out.append("- ").append(key).append(": ").append(value).append('\n'));
        return out.toString();
    }

    /** The tables alone, for the terminal. */
    public String tables() {
        StringBuilder out = new StringBuilder();
        sections.forEach(section -> out.append(section.markdown()).append('\n'));
        return out.toString();
    }
}
