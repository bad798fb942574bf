package io.netpark.bench.looking;

import io.netpark.bench.command.Benchmark;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape.Echo;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import io.netpark.core.sys.Binding;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** What it costs to look at loops, and to have them watched. */
@Command(name = "looking", description = "Looks at a loop with 10 000 connections again and again: how long that holds it; and what being watched"
        + " costs a request.")
public final class LookingCommand extends Benchmark {

    private static final int CONNECTIONS = 10_000;
    private static final int QUICK_CONNECTIONS = 1_000;
    /** Of how many connections one is busy. */
    private static final int BUSY = 10;
    /** Requests a second on all that are busy. */
    private static final int RATE = 5_000;
    private static final int SIZE = 64;
    private static final int BUFFER = 128;
    /** Of each kind of look: enough for tens of those that take longest. */
    private static final long MILLIS = 6_000;
    private static final long QUICK_MILLIS = 500;
    private static final Cores ANYWHERE = new Cores(-1, -1);
    private static final Echo ECHO = new Echo("100x1KiB", 100, 0, 1024, 1);

    private static final List<Contender> BY_FFM =
            List.of(Contender.COROUTINE_FFM, Contender.CALLBACK_FFM, Contender.METERED_FFM, Contender.OBSERVED_FFM);
    private static final List<Contender> BY_JNA =
            List.of(Contender.COROUTINE_JNA, Contender.CALLBACK_JNA, Contender.METERED_JNA, Contender.OBSERVED_JNA);

    @Override
    protected Report measure() {
        List<Contender> contenders = options.fewerOf(contenders());
        if (contenders.isEmpty()) {
            throw new BenchFailure("nobody can take part");
        }
        int connections = options.quick ? QUICK_CONNECTIONS : CONNECTIONS;
        Cores cores = Cores.choose();
        Report report = new Report(name(), "Looking at loops", List.of(
                "Looks: a thread of the server's process looks at its one loop, one look after the other, for "
                        + Numbers.text(millis() / 1e3, 1) + " s each kind. The loop has " + Numbers.text(connections, 0) + " connections, and on "
                        + Numbers.text(connections / BUSY, 0) + " of them " + Numbers.text(RATE, 0) + " requests a second begin (open loop)."
                        + " Loop, looking thread and generator share " + Cores.allowed().size() + " cores.",
                "\"Held\" is the time between two runs of a timer that is due every half millisecond: what an event may have to wait,"
                        + " collections, compilers and other processes included. \"At work\" is the loop's own CPU time between two, requests"
                        + " included. Bytes of a look are those beyond what the process allocates when nobody looks. Single figures.",
                "Being watched: an echo; CPU is user and system time of the server's process, and the ratio is to the same server with"
                        + " nothing on, in the rounds around, as median [95 % interval]. Metered: metrics and the watchdog. Observed: these,"
                        + " Flight Recorder with its default settings and Netpark's events, and an MBean. " + options.extent() + "; "
                        + cores.describe() + "."));
        report.add(looks(contenders, connections));
        for (Contender base : List.of(Contender.CALLBACK_FFM, Contender.CALLBACK_JNA)) {
            List<Contender> match = contenders.stream()
                    .filter(each -> each.equals(base) || each.isWatched() && each.binding() == base.binding()).toList();
            if (match.contains(base) && match.size() > 1) {
                report.add(watched(match, base, cores));
            }
        }
        return report;
    }

    /** By the best binding, unless somebody else is asked for. */
    private List<Contender> contenders() {
        if (options.isAnybodyAskedFor()) {
            return Stream.concat(BY_FFM.stream(), BY_JNA.stream()).toList();
        }
        return Binding.FFM.unavailability() == null ? BY_FFM : BY_JNA;
    }

    private long millis() {
        return options.quick ? QUICK_MILLIS : MILLIS;
    }

    private Section looks(List<Contender> contenders, int connections) {
        Section section = new Section("Looks at " + Numbers.text(connections, 0) + " connections", "loop at work in ms, longest", List.of(
                "server, look", "looks", "a look ms", "longest", "KiB allocated/look", "loop held ms, p99.9", "longest", "at work ms, longest",
                "collections ms, in all", "echo p50 µs", "p99 µs", "longest ms"));
        try (LoadProcess load = LoadProcess.start(ANYWHERE)) {
            for (Contender contender : contenders) {
                if (contender.isWatched()) {
                    continue; // looks are the same there
                }
                try (ServerProcess server = ServerProcess.start(contender, new Service(Mode.ECHO, 1, BUFFER), ANYWHERE)) {
                    looks(server, load, connections, section);
                } catch (BenchFailure e) {
                    section.note(contender.label() + " dropped out: " + e.getMessage());
                }
            }
        }
        return section;
    }

    private void looks(ServerProcess server, LoadProcess load, int connections, Section section) {
        String label = server.contender().label();
        load.open(server.port(), connections, SIZE, 1);
        try {
            load.once();
            options.progress.say("looking: " + label + ": warm-up");
            for (Look look : Look.values()) {
                spell(server, load, look, connections, options.plan().warmUpMillis() / Look.values().length);
            }
            options.progress.say("looking: " + label + ": " + Look.NOTHING.label());
            Spell without = spell(server, load, Look.NOTHING, connections, millis());
            add(section, label + ", " + Look.NOTHING.label(), without, without);
            for (Look look : EnumSet.complementOf(EnumSet.of(Look.NOTHING))) {
                options.progress.say("looking: " + label + ": " + look.label());
                add(section, label + ", " + look.label(), spell(server, load, look, connections, millis()), without);
            }
        } finally {
            load.disconnect();
        }
    }

    private static Spell spell(ServerProcess server, LoadProcess load, Look look, int connections, long millis) {
        long before = server.allocated();
        server.look(look.command());
        Done echo = load.pace(millis, connections / BUSY, RATE);
        String looked = server.looked();
        return Spell.of(looked, server.allocated() - before, echo);
    }

    private static void add(Section section, String label, Spell spell, Spell without) {
        boolean looks = spell.looks() > 0;
        String work = Numbers.text(spell.millis("workedMost"), 2);
        section.row(List.of(label, Numbers.text(spell.looks(), 0),
                Numbers.text(looks ? spell.millis("lookP50") : Double.NaN, 1), Numbers.text(looks ? spell.millis("lookMost") : Double.NaN, 1),
                Numbers.text(spell.allocatedByLook(without) / 1024, 1), Numbers.text(spell.millis("heldP999"), 2),
                Numbers.text(spell.millis("heldMost"), 2), work, Numbers.text(spell.millis("collected"), 0),
                Numbers.text(spell.echo().latencies().getValueAtPercentile(50) / 1e3, 0),
                Numbers.text(spell.echo().latencies().getValueAtPercentile(99) / 1e3, 0),
                Numbers.text(spell.echo().latencies().getMaxValue() / 1e6, 1)));
        section.bar(new Bar(label, spell.millis("workedMost"), work, looks));
        Map<String, Object> data = new LinkedHashMap<>(spell.told());
        data.put("server", label);
        data.put("allocatedBytes", spell.allocated());
        data.put("echoP50Nanos", spell.echo().latencies().getValueAtPercentile(50));
        data.put("echoP99Nanos", spell.echo().latencies().getValueAtPercentile(99));
        data.put("echoMostNanos", spell.echo().latencies().getMaxValue());
        section.data(data);
    }

    private Section watched(List<Contender> contenders, Contender base, Cores cores) {
        try (Match match = new Match(ECHO, options.plan(), contenders, cores, options.progress)) {
            return new TrafficTable(match.play(Optional.empty()), "request", base).section("Being watched, " + base.binding());
        }
    }
}
