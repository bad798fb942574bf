package io.netpark.bench.command;

import io.netpark.bench.ktor.KtorContender;
import io.netpark.bench.ktor.KtorShape;
import io.netpark.bench.ktor.KtorShape.What;
import io.netpark.bench.ktor.Starts;
import io.netpark.bench.ktor.Starts.Start;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.EngineTable;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.TlsContender;
import io.netpark.bench.tail.Paced;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Engines of Ktor under one application. */
@Command(name = "ktor", description = "Engines of Ktor: the same application on Netpark, Netty and CIO, and without a network.")
final class KtorCommand extends Benchmark {

    private static final int CONNECTIONS = 100;
    private static final int DEPTH = 16;
    private static final int STREAMS = 4;
    private static final int UPLOADS = 16;
    /** A start takes seconds. */
    private static final int MOST_STARTS = 20;

    @Option(names = "--rate",
            description = "Requests a second of tail; by default half of what the first engine of those that take part answers.")
    private @Nullable Integer rate;

    private final Cores cores = Cores.choose();
    private List<KtorContender> contenders = List.of();
    private Optional<SystemCalls> counter = Optional.empty();

    /** One table, by the name of its shape. */
    private record Part(String label, Supplier<Section> measured) {}

    @Override
    protected Report measure() {
        counter = options.quick ? Optional.empty() : options.counter();
        contenders = options.fewerOf(KtorContender.all());
        Report report = new Report(name(), "Engines of Ktor", List.of(
                "One application on each: routing, `respondText`, kotlinx.serialization, `respondFile`, `receive`."
                        + " Netpark and CIO run with Ktor " + KtorContender.CIO.version() + ", Netty's engine with all of Ktor "
                        + KtorContender.NETTY.version() + ", the newest that it is to be had for, and with the JDK's"
                        + " selector, as its artifact brings it. All have their defaults.",
                "`null` is an engine without a network: it makes calls in memory, again and again, and throws the answers away."
                        + " That is what Ktor " + KtorContender.NULL.version() + " costs, whoever serves it."
                        + " \"above null, × netty's\" is what an engine costs above that, as a part of what Netty's costs"
                        + " above it.",
                "`http-sample` is Netpark's HTTP server without Ktor. That is what the socket and HTTP cost: all of it is above"
                        + " null, and an engine cannot cost less.",
                "CPU is user and system time of the server's process; ratios are to the rounds around, as median"
                        + " [95 % interval]. " + options.extent() + "; " + cores.describe() + ".",
                Options.aboutSystemCalls(counter)));
        for (Part part : options.shapes(parts(), Part::label)) {
            report.add(part.measured().get());
        }
        return report;
    }

    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        for (boolean encrypted : new boolean[] {false, true}) {
            Stream.of(
                    new KtorShape("plaintext", What.PLAINTEXT, CONNECTIONS, 1, encrypted),
                    new KtorShape("plaintext-16", What.PLAINTEXT, CONNECTIONS, DEPTH, encrypted),
                    new KtorShape("json", What.JSON, CONNECTIONS, 1, encrypted),
                    new KtorShape("json-16", What.JSON, CONNECTIONS, DEPTH, encrypted),
                    new KtorShape("file", What.FILE, STREAMS, 1, encrypted),
                    new KtorShape("upload", What.UPLOAD, UPLOADS, 1, encrypted))
                    .map(this::part).forEach(parts::add);
        }
        parts.add(new Part("tail", this::tail));
        parts.add(new Part("start", this::start));
        return parts;
    }

    private Part part(KtorShape shape) {
        String label = (shape.encrypted() ? "https-" : "") + shape.label();
        KtorShape named = new KtorShape(label, shape.what(), shape.connections(), shape.depth(), shape.encrypted());
        return new Part(label, () -> new EngineTable(play(named, options.plan(), able(named), counter)).section(title(named)));
    }

    private List<KtorContender> able(KtorShape shape) {
        return contenders.stream().filter(each -> each.canPlay(shape)).toList();
    }

    private static String title(KtorShape shape) {
        String what = switch (shape.what()) {
            case PLAINTEXT -> "13 bytes of text";
            case JSON -> "An object in JSON";
            case FILE -> "A file of 1 MiB";
            case UPLOAD -> "A POST of 64 KiB";
        };
        return shape.label() + ": " + what + (shape.encrypted() ? " over HTTPS, " : ", ") + shape.connections() + " connections"
                + (shape.depth() > 1 ? " with " + shape.depth() + " requests in flight" : "");
    }

    private List<Record> play(Shape shape, Plan plan, List<KtorContender> able, Optional<SystemCalls> tool) {
        boolean encrypted = shape instanceof KtorShape asked && asked.encrypted();
        Path certificate = encrypted ? TlsContender.certificate() : null;
        try (Match match = new Match(shape, plan, able,
                contender -> contender.start(KtorShape.file(), certificate, cores), cores, options.progress)) {
            return match.play(tool);
        }
    }

    /** By the open loop. */
    private Section tail() {
        KtorShape shape = new KtorShape("tail", What.PLAINTEXT, CONNECTIONS, 1, false);
        List<KtorContender> serving = contenders.stream().filter(each -> each.serves() && each.isOfKtor()).toList();
        if (serving.isEmpty()) {
            throw new BenchFailure("tail needs an engine with a network");
        }
        Plan plan = options.plan();
        Integer asked = rate;
        int paced = asked != null ? asked : half(shape, new Plan(plan.warmUpMillis(), 1, plan.roundMillis()), serving.get(0));
        List<Record> records = play(new Paced(shape, CONNECTIONS, paced), plan, serving, Optional.empty());
        String why = asked != null ? "" : ", half of what " + serving.get(0).label() + " answered";
        String title = "tail: 13 bytes of text, an open loop of " + paced + " requests a second" + why;
        return new EngineTable(records).tail(title, paced);
    }

    private int half(KtorShape shape, Plan plan, KtorContender contender) {
        Record record = play(shape, plan, List.of(contender), Optional.empty()).get(0);
        return record.samples().stream().mapToInt(sample -> (int) Math.max(1, sample.requestsPerSecond() / 2)).findFirst()
                .orElseThrow(() -> new BenchFailure(contender.label() + " dropped out: " + record.failure().orElse("")));
    }

    private Section start() {
        List<KtorContender> serving = contenders.stream().filter(each -> each.serves() && each.isOfKtor()).toList();
        Map<KtorContender, List<Start>> starts = Starts.of(serving, Math.min(MOST_STARTS, options.plan().rounds()), cores, options.progress);
        Section section = new Section("start: from the start of the JVM to the first answer", "ms to the first answer",
                List.of("engine", "Ktor", "ms", "ms after netty", "CPU ms"));
        List<Start> netty = starts.getOrDefault(KtorContender.NETTY, List.of());
        starts.forEach((contender, all) -> {
            Numbers millis = Numbers.of(all, start -> start.nanos() / 1e6);
            Numbers cpu = Numbers.of(all, start -> start.cpu() / 1e6);
            List<Double> later = new ArrayList<>();
            for (int round = 0; round < Math.min(all.size(), netty.size()); round++) {
                later.add((all.get(round).nanos() - netty.get(round).nanos()) / 1e6);
            }
            section.row(List.of(contender.label(), contender.version(), millis.interval(0),
                    Numbers.of(later, Double::doubleValue).interval(0), cpu.interval(0)));
            section.bar(new Bar(contender.label(), millis.median(), millis.text(0), contender.isNetpark()));
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("server", contender.label());
            data.put("nanos", all.stream().map(Start::nanos).toList());
            data.put("cpuNanos", all.stream().map(Start::cpu).toList());
            section.data(data);
        });
        return section;
    }
}
