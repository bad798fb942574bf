package io.netpark.bench.command;

import io.netpark.bench.proxy.ProxyContender;
import io.netpark.bench.proxy.ProxyMatch;
import io.netpark.bench.proxy.ProxyRecord;
import io.netpark.bench.proxy.Upstream;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Cores;
import io.netpark.bench.run.Sample;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Shape.Stream;
import io.netpark.core.sys.Binding;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;

/** Bytes from one connection to another. */
@Command(name = "proxy", description = "A TCP proxy between two connections: GB/s and CPU a GB; memory of an idle pair.")
final class ProxyCommand extends Benchmark {

    private static final int CONNECTIONS = 4;
    private static final Shape SHAPE = new Stream("64KiB", CONNECTIONS, 64 << 10);
    /** Below this share of its core a proxy is not at its limit. */
    private static final double BUSY = 0.9;
    /** Above this share of the proxy's core, others make a difference. */
    private static final double DISTURBING = 0.05;

    @Override
    Report measure() {
        List<String> absent = new ArrayList<>();
        List<ProxyContender> contenders = contenders(absent);
        Cores cores = Cores.choose();
        String where = cores.server() < 0 ? cores.describe()
                : "the proxy has core " + cores.server() + " for itself, the generator and the upstream share core "
                        + cores.load();
        Report report = new Report(name(), "TCP proxy", List.of(
                "An upstream (`" + Upstream.contender().label() + "`) writes blocks of 64 KiB to " + CONNECTIONS
                        + " connections, the proxy passes them on, and the generator compares every byte: `-relay` and `-splice`"
                        + " inside the kernel by splice(2), `-copy` and nginx through memory of their process. The few bytes that"
                        + " ask for the next 4 MiB go the other way.",
                "CPU is user and system time of the proxy's process; \"× netty-copy\" is its ratio to Netty's copying proxy in"
                        + " the same round, as median (smallest–largest). It includes what TCP does on loopback for the generator"
                        + " when the proxy writes. GB/s are those of the chain: the other core sends, receives and compares"
                        + " each byte, and where a note says that it was the bottleneck it says nothing about the proxy.",
                options.extent() + "; " + where + "."));
        try (ProxyMatch match = new ProxyMatch(SHAPE, options.plan(List.of()), contenders, cores, options.progress)) {
            report.add(section(match.play(), absent));
        }
        report.add(new ProxyIdle(options, cores).measure(contenders));
        return report;
    }

    /** Those that take part; the others go to a list of sentences. */
    private List<ProxyContender> contenders(List<String> absent) {
        List<ProxyContender> present = new ArrayList<>();
        for (ProxyContender contender : options.servers(List.of(ProxyContender.values()), ProxyContender::label)) {
            Optional<String> absence = contender.absence();
            if (absence.isPresent()) {
                absent.add(contender.label() + " is left out: " + absence.get() + ".");
            } else if (contender.binding() != Binding.JNA || !options.onlyBestBinding()) {
                present.add(contender);
            }
        }
        absent.forEach(options.progress::say);
        return present;
    }

    private static Section section(List<ProxyRecord> records, List<String> absent) {
        List<Sample> base = records.stream().filter(record -> record.contender() == ProxyContender.NETTY_COPY)
                .findFirst().map(ProxyRecord::samples).orElse(List.of());
        Section section = new Section("One way, " + SHAPE.label(), "CPU of the proxy in s a GB",
                List.of("proxy", "CPU s/GB", "× netty-copy", "GB/s", "RSS MiB", "allocated B/MB"));
        for (ProxyRecord record : records) {
            String label = record.contender().label();
            List<Sample> samples = record.samples();
            Numbers ratio = ratios(samples, base);
            if (!samples.isEmpty()) {
                Numbers cpu = Numbers.of(samples, Sample::cpuSecondsPerGigabyte);
                section.row(List.of(label, cpu.text(3), ratio.range(2),
                        Numbers.of(samples, Sample::gigabytesPerSecond).text(2),
                        Numbers.of(samples, sample -> sample.resident() / 1048576.0).text(0),
                        record.contender().isJvm()
                                ? Numbers.of(samples, sample -> sample.allocated() * 1e6 / sample.bytes()).text(0) : "–"));
                section.bar(new Bar(label, cpu.median(), cpu.text(3), record.contender().isNetpark()));
            }
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("proxy", label);
            record.failure().ifPresent(reason -> object.put("failure", reason));
            object.put("ratio", ratio.median());
            object.put("rounds", samples.stream().map(TrafficTable::data).toList());
            section.data(object);
        }
        absent.forEach(section::note);
        notes(section, records);
        return section;
    }

    private static void notes(Section section, List<ProxyRecord> records) {
        List<String> waiting = new ArrayList<>();
        List<String> disturbed = new ArrayList<>();
        for (ProxyRecord record : records) {
            String label = record.contender().label();
            record.failure().ifPresent(reason -> section.note(label + " dropped out: " + reason));
            double proxy = Numbers.of(record.samples(), Sample::serverShare).median();
            double load = Numbers.of(record.samples(), Sample::loadShare).median();
            double others = Numbers.of(record.samples(), Sample::othersShare).median();
            if (proxy < BUSY && load > proxy) {
                waiting.add(share(label, proxy));
            }
            if (others > DISTURBING) {
                disturbed.add(share(label, others));
            }
        }
        if (!waiting.isEmpty()) {
            section.note("The generator and the upstream are the bottleneck for " + String.join(", ", waiting)
                    + " of its core: GB/s are theirs, CPU a GB holds.");
        }
        if (!disturbed.isEmpty()) {
            section.note("Other processes were on the proxy's core: " + String.join(", ", disturbed)
                    + " of the time. GB/s suffer from that.");
        }
    }

    private static String share(String label, double share) {
        return label + " (" + Numbers.text(100 * share, 0) + " %)";
    }

    /** To the base of the same round. */
    private static Numbers ratios(List<Sample> samples, List<Sample> base) {
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < Math.min(samples.size(), base.size()); round++) {
            ratios.add(samples.get(round).cpuSecondsPerGigabyte() / base.get(round).cpuSecondsPerGigabyte());
        }
        return Numbers.of(ratios, Double::doubleValue);
    }
}
