package io.netpark.bench.command;

import io.netpark.bench.dial.Round;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.report.TrafficTable;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.DialMatch;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Sample;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;

/** The client's side of connecting. */
@Command(name = "dial", description = "Connecting, as a client: dials a second and CPU each.")
final class DialCommand extends Benchmark {

    /** Of a core that the listener uses, from which on it is what limits the rate. */
    private static final double SATURATED = 0.9;
    /** Of the time, from which on others on the dialer's core are worth a note. */
    private static final double DISTURBING = 0.05;

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Report report = new Report(name(), "Dialing", List.of(
                Round.AT_A_TIME + " dials at a time to one address of loopback, on one loop: connect, and close when the"
                        + " connection is established. A listener in another process accepts and closes. All set"
                        + " TCP_NODELAY and close by a reset (SO_LINGER 0), so nothing is left in TIME_WAIT and ports do not"
                        + " run out.",
                "On loopback the handshake is over within connect(2). Netpark asks at once and finds it so; the others learn it"
                        + " from their next wait. Over a network all of them have to wait, and Netpark's advantage is smaller"
                        + " by that wait.",
                "CPU is user and system time of the dialing process; on loopback that includes most of the handshake, for"
                        + " both ends. " + options.extent() + "; " + cores.describe().replace("server", "dialer")
                                .replace("generator", "listener") + "."));
        List<Contender> dialers = options.fewerContenders().stream().filter(Contender::dials).toList();
        try (DialMatch match = new DialMatch(options.plan(), dialers, cores, options.progress)) {
            report.add(section(match.play()));
        }
        return report;
    }

    private static Section section(List<Record> records) {
        Section section = new Section("Dial and close", "CPU of the dialing process in µs a dial",
                List.of("dialer", "CPU µs/dial", "dials/s", "allocated B/dial"));
        for (Record record : records) {
            String label = record.contender().label();
            List<Sample> samples = record.samples();
            if (!samples.isEmpty()) {
                Numbers cpu = Numbers.of(samples, Sample::cpuMicros);
                section.row(List.of(label, cpu.interval(2), Numbers.of(samples, Sample::requestsPerSecond).text(0),
                        Numbers.of(samples, Sample::allocatedPerRequest).text(0)));
                section.bar(new Bar(label, cpu.median(), cpu.text(2), record.contender().isNetpark()));
            }
            section.data(data(record));
            notes(section, record);
        }
        return section;
    }

    private static Map<String, Object> data(Record record) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("dialer", record.contender().label());
        record.failure().ifPresent(reason -> object.put("failure", reason));
        object.put("rounds", record.samples().stream().map(TrafficTable::data).toList());
        return object;
    }

    private static void notes(Section section, Record record) {
        String label = record.contender().label();
        record.failure().ifPresent(reason -> section.note(label + " dropped out: " + reason));
        double listener = Numbers.of(record.samples(), Sample::loadShare).median();
        if (listener > SATURATED) {
            section.note("The listener was the bottleneck for " + label + " (" + Numbers.text(100 * listener, 0)
                    + " % of its core): dials a second are the listener's, CPU a dial holds.");
        }
        double others = Numbers.of(record.samples(), Sample::othersShare).median();
        if (others > DISTURBING) {
            section.note("Other processes were on the core of " + label + " for " + Numbers.text(100 * others, 0)
                    + " % of the time: dials a second suffer from that.");
        }
    }
}
