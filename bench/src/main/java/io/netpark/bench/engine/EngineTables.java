package io.netpark.bench.engine;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import io.netpark.bench.run.Progress;
import io.netpark.bench.tls.EngineKind;
import io.netpark.bench.tls.Protocol;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs {@link EngineCosts} and {@link IdleEngines}, each time in a JVM of its own, and makes tables of what they say. */
public final class EngineTables {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String COUNT = "2000";
    private static final String QUICK_COUNT = "200";
    private static final List<String> MEMORIES = List.of("heap", "direct");
    private static final List<String> FIXED_HEAP = List.of("-Xms512m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1");

    private final Path certificate;
    private final Progress progress;
    private final boolean quick;

    /** @param quick only the newest version of TLS, and fewer engines */
    public EngineTables(Path certificate, Progress progress, boolean quick) {
        this.certificate = certificate;
        this.progress = progress;
        this.quick = quick;
    }

    private List<Protocol> protocols() {
        return quick ? List.of(Protocol.TLS_1_3) : Arrays.asList(Protocol.values());
    }

    private static List<EngineKind> kinds() {
        return Arrays.stream(EngineKind.values()).filter(kind -> kind.absence().isEmpty()).toList();
    }

    /** A record of 1 KiB and of 16 KiB, by memory. */
    public Section records() {
        Section section = new Section("Engines alone, a record", "ns to encipher 16 KiB, between heaps",
                List.of("engine", "TLS", "what", "heap to heap", "heap to direct", "direct to heap", "direct to direct"));
        for (EngineKind kind : kinds()) {
            for (Protocol protocol : protocols()) {
                progress.say("records: " + kind.label() + " " + protocol.label());
                Map<String, String> cells = new HashMap<>();
                for (String clear : MEMORIES) {
                    for (String records : MEMORIES) {
                        for (String line : run(EngineCosts.class, List.of(), EngineCosts.LINES, kind, protocol, clear, records)) {
                            String[] words = line.split(" ");
                            boolean wrap = words[0].equals("wrap");
                            cells.put(words[0] + words[1] + (wrap ? clear + records : records + clear), words[2] + " ns, " + words[3] + " B");
                            data(section, kind, protocol, words, clear, records);
                        }
                    }
                }
                for (String size : List.of("1024", "16384")) {
                    for (String what : List.of("wrap", "unwrap")) {
                        List<String> row = new ArrayList<>(List.of(kind.label(), protocol.label(), what + " " + size));
                        for (String from : MEMORIES) {
                            for (String to : MEMORIES) {
                                row.add(cells.getOrDefault(what + size + from + to, "–"));
                            }
                        }
                        section.row(row);
                    }
                }
            }
        }
        section.note("wrap goes from clear bytes to a record, unwrap the other way; nanoseconds, and bytes allocated on the heap.");
        return section;
    }

    private static void data(Section section, EngineKind kind, Protocol protocol, String[] words, String clear, String records) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("engine", kind.label());
        object.put("protocol", protocol.label());
        object.put("what", words[0]);
        object.put("size", Integer.parseInt(words[1]));
        object.put("clear", clear);
        object.put("records", records);
        object.put("nanos", Long.parseLong(words[2]));
        object.put("allocatedBytes", Long.parseLong(words[3]));
        section.data(object);
        if (protocol == Protocol.TLS_1_3 && words[0].equals("wrap") && words[1].equals("16384") && clear.equals(records)) {
            section.bar(new Bar(kind.label() + ", " + clear, Double.parseDouble(words[2]), words[2], false));
        }
    }

    /** What an engine keeps that waits. */
    public Section idle() {
        Section section = new Section("Engines alone, bytes of one that waits", "heap and native", List.of("engine", "TLS", "heap", "native"));
        for (EngineKind kind : kinds()) {
            for (Protocol protocol : protocols()) {
                progress.say("engines: " + kind.label() + " " + protocol.label());
                String[] words = run(IdleEngines.class, FIXED_HEAP, 1, kind, protocol, quick ? QUICK_COUNT : COUNT).get(0).split(" ");
                long heap = Long.parseLong(words[1]);
                long outside = Long.parseLong(words[2]);
                section.row(List.of(kind.label(), protocol.label(), Numbers.text(heap, 0), Numbers.text(outside, 0)));
                section.bar(new Bar(kind.label() + " " + protocol.label(), heap + outside, Numbers.text(heap + outside, 0), false));
                section.data(Map.of("engine", kind.label(), "protocol", protocol.label(), "heap", heap, "native", outside));
            }
        }
        section.note("Of a server, after a handshake and one echo of 1 KiB. A pipe that one of Conscrypt has is not counted.");
        if (quick) {
            section.note("There were only " + QUICK_COUNT + " of each: what else the JVM did weighs some thousand bytes of native memory.");
        }
        return section;
    }

    private List<String> run(Class<?> main, List<String> flags, int lines, EngineKind kind, Protocol protocol, String... more) {
        List<String> arguments = new ArrayList<>(List.of(certificate.toString(), kind.name(), protocol.name()));
        arguments.addAll(List.of(more));
        try (Child child = new Child(kind.label(), Jvm.command(flags, main, arguments.toArray(String[]::new)), -1,
                Folders.target().resolve("engine.log"))) {
            List<String> answer = new ArrayList<>();
            while (answer.size() < lines) {
                answer.add(child.line(PATIENCE));
            }
            return answer;
        } catch (BenchFailure e) {
            throw new BenchFailure("the engine of " + e.getMessage());
        }
    }
}
