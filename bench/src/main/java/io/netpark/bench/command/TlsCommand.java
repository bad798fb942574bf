package io.netpark.bench.command;

import io.netpark.bench.engine.EngineTables;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.Notes;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.report.TransferTable;
import io.netpark.bench.run.Encrypted;
import io.netpark.bench.run.Encrypted.Handshakes;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Shape.Echo;
import io.netpark.bench.run.Shape.Http;
import io.netpark.bench.run.Shape.Stream;
import io.netpark.bench.run.TlsContender;
import io.netpark.bench.server.Security;
import io.netpark.bench.server.Service.Mode;
import io.netpark.bench.tls.Protocol;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What encryption costs. */
@Command(name = "tls", description = "TLS: an echo, a stream, handshakes and a page; and what engines cost by themselves.")
final class TlsCommand extends Benchmark {

    private static final int VISITORS = 16;
    private static final int STREAMS = 4;
    /** Seconds: each round begins with handshakes, and compilers work on those of the JDK's engine for thousands of them. */
    private static final double WARM_UP = 40;
    private static final List<Integer> IDLE = List.of(1_000, 5_000);
    private static final List<TlsContender> OF_NETTY = List.of(TlsContender.NETTY_JDK, TlsContender.NETTY_OPENSSL);
    private static final List<TlsContender> OF_ALL =
            List.of(TlsContender.NGINX, TlsContender.NETTY_JDK, TlsContender.NETTY_OPENSSL);

    @Option(names = "--protocol", defaultValue = "TLS_1_3", description = "TLS_1_2 or TLS_1_3, which is the default.")
    private Protocol protocol = Protocol.TLS_1_3;

    @Option(names = "--tasks-on-loop",
            description = "Netpark runs the tasks of handshakes on its loop, as Netty does, and not beside it.")
    private boolean tasksOnLoop;

    private final Cores cores = Cores.choose();
    private List<TlsContender> contenders = List.of();
    private Optional<SystemCalls> counter = Optional.empty();

    /** One table, by the name of its shape. */
    private record Part(String label, Supplier<Section> measured) {}

    @Override
    protected Report measure() {
        options.usually(WARM_UP, 1);
        counter = options.quick ? Optional.empty() : options.counter();
        contenders = options.fewerOf(options.isAnybodyAskedFor() ? TlsContender.all() : TlsContender.usual());
        Report report = new Report(name(), "TLS", List.of(
                protocol.label() + " with " + protocol.suite() + ", X25519, and a certificate on P-256, for all. CPU is user and"
                        + " system time of the server's process; ratios are to the rounds around, as median"
                        + " [95 % interval]. The generator's engine is Netty's OpenSSL.",
                "A handshake is a connection that is made, has one request of 128 bytes answered, and is closed by the client, "
                        + VISITORS + " at a time. nginx answers with a page.",
                options.extent() + "; " + cores.describe() + (tasksOnLoop ? ". Netpark runs tasks on its loop." : "."),
                Options.aboutSystemCalls(counter)));
        for (Part part : options.shapes(parts(), Part::label)) {
            report.add(part.measured().get());
        }
        return report;
    }

    private List<Part> parts() {
        EngineTables engines = new EngineTables(TlsContender.certificate(), options.progress, options.quick);
        return List.of(
                requests(new Echo("100x1KiB", 100, 0, 1024, 1), OF_NETTY, "Echo of 1 KiB, 100 connections"),
                requests(new Echo("1000x1KiB", 1_000, 0, 1024, 1), OF_NETTY, "Echo of 1 KiB, 1 000 connections"),
                new Part("64KiB", () -> match(new Encrypted(new Stream("64KiB", STREAMS, 64 << 10), protocol), Mode.SOURCE,
                        records -> transfers(records).section("One way, writes of 64 KiB on " + STREAMS + " connections"))),
                handshakes("full", false, "Full handshakes"),
                handshakes("resumed", true, "Resumed handshakes"),
                requests(new Http("page", 100, 1), OF_ALL, "A page over HTTPS, 100 connections"),
                new Part("idle", this::idle),
                new Part("records", engines::records),
                new Part("engines", engines::idle));
    }

    private Part requests(Shape shape, List<TlsContender> bases, String title) {
        return new Part(shape.label(), () -> match(new Encrypted(shape, protocol), shape.service().mode(),
                records -> new TrafficTable(records, "request", bases).section(title)));
    }

    private static TransferTable transfers(List<Record> records) {
        TransferTable table = new TransferTable(records, Notes.OF_SERVERS);
        OF_NETTY.forEach(base -> table.against(base.label(), base::equals));
        return table;
    }

    private Part handshakes(String label, boolean resumed, String title) {
        return new Part(label, () -> match(new Handshakes(label, VISITORS, protocol, resumed), Mode.ECHO,
                records -> new TrafficTable(records, "handshake", OF_ALL).section(title)));
    }

    private Section match(Shape shape, Mode mode, Function<List<Record>, Section> table) {
        List<TlsContender> able = contenders.stream()
                .filter(each -> each.does(mode) || shape instanceof Handshakes).toList();
        try (Match match = new Match(shape, options.plan(), able,
                contender -> contender.start(shape.service(), cores, flags()), cores, options.progress)) {
            return table.apply(match.play(counter));
        }
    }

    private List<String> flags() {
        return tasksOnLoop ? List.of(Security.tasksOnLoop()) : List.of();
    }

    private Section idle() {
        Section section = IdleCommand.section("Bytes an idle connection, engine included", IDLE);
        Shape shape = new Echo("idle", 1, 0, 64, 1);
        try (LoadProcess load = LoadProcess.start(cores)) {
            load.encrypt(protocol, false);
            for (TlsContender contender : contenders.stream().filter(each -> each.does(Mode.ECHO)).toList()) {
                options.progress.say("idle: " + contender.label());
                try (ServerProcess server = contender.start(shape.service(), cores, IdleCommand.FIXED_HEAP)) {
                    IdleCommand.measure(server, load, section, IDLE, options);
                } catch (BenchFailure e) {
                    section.note(contender.label() + " dropped out: " + e.getMessage());
                }
            }
        }
        return section;
    }
}
