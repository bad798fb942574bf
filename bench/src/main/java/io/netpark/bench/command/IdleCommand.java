package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Memory;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;

/** What a connection costs that does nothing. */
@Command(name = "idle", description = "Memory of an idle connection, heap and native.")
final class IdleCommand extends Benchmark {

    private static final List<Integer> COUNTS = List.of(1_000, 5_000, 10_000);
    private static final int SIZE = 64;
    private static final int BUFFER = 128;
    private static final int WARM_UP_CONNECTIONS = 50;
    /** Enough for the quick compiler, which is the only one here. */
    static final long WARM_UP_MILLIS = 1_500;
    /**
     * The heap is all there from the start, so that resident memory moves by what is outside of it only; and the
     * optimizing compiler, whose memory comes and goes by megabytes, stays out.
     */
    static final List<String> FIXED_HEAP =
            List.of("-Xms512m", "-Xmx512m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1");

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Section section = section("Bytes a connection", COUNTS);
        Report report = new Report(name(), "Memory of an idle connection", List.of(
                "Connections that have had one echo each and now wait. Heap: in use after a collection. Native: growth of"
                        + " resident memory, the heap being resident in full from the start. Both over what the server"
                        + " had after a warm-up on " + WARM_UP_CONNECTIONS + " connections, and divided by the number of"
                        + " connections: at 1 000 a little noise of the JVM weighs a hundred bytes and more.",
                "Where a handler needs a buffer of its own (nio, vt, ktor) it has one of " + BUFFER
                        + " bytes, outside the heap except for ktor: about 300 bytes with the JDK's objects around it."
                        + " The kernel's socket memory is the same for all and not counted."));
        try (LoadProcess load = LoadProcess.start(cores)) {
            for (Contender contender : options.fewerContenders()) {
                options.progress.say("idle: " + contender.label());
                try (ServerProcess server = ServerProcess.start(
                        contender, new Service(Mode.ECHO, 1, BUFFER), cores, FIXED_HEAP)) {
                    measure(server, load, section, COUNTS, options);
                } catch (BenchFailure e) {
                    section.note(contender.label() + " dropped out: " + e.getMessage());
                }
            }
        }
        report.add(section);
        return report;
    }

    /** An empty table for so many connections. */
    static Section section(String title, List<Integer> counts) {
        List<String> columns = new ArrayList<>(List.of("server"));
        counts.forEach(count -> columns.add(Numbers.text(count, 0)));
        columns.addAll(List.of("of that heap", "native"));
        return new Section(title, "heap and native, at " + columns.get(counts.size()) + " connections", columns);
    }

    /** Adds a server, which was started with {@link #FIXED_HEAP}, to it. */
    static void measure(ServerProcess server, LoadProcess load, Section section, List<Integer> counts, Options options) {
        load.open(server.port(), WARM_UP_CONNECTIONS, SIZE, 1);
        load.run(Math.min(options.warmUpMillis(), WARM_UP_MILLIS), WARM_UP_CONNECTIONS);
        load.disconnect();
        long heapBefore = server.heap();
        long nativeBefore = Memory.resident(server.pid());
        List<String> row = new ArrayList<>(List.of(server.contender().label()));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("server", server.contender().label());
        double heap = 0;
        double outside = 0;
        int opened = 0;
        for (int count : counts) {
            load.open(server.port(), count - opened, SIZE, 1);
            load.once();
            opened = count;
            heap = (double) (server.heap() - heapBefore) / count;
            outside = (double) (Memory.resident(server.pid()) - nativeBefore) / count;
            row.add(Numbers.text(heap + outside, 0));
            data.put("at" + count, Map.of("heap", heap, "native", outside));
        }
        load.disconnect();
        row.add(Numbers.text(heap, 0));
        row.add(Numbers.text(outside, 0));
        section.row(row);
        section.bar(new Bar(server.contender().label(), heap + outside, row.get(counts.size()),
                server.contender().isNetpark()));
        section.data(data);
    }
}
