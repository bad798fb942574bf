package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.CpuClock;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import io.netpark.bench.run.Plan;
import io.netpark.bench.zerocopy.Blast;
import io.netpark.bench.zerocopy.Link;
import io.netpark.bench.zerocopy.Sink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import picocli.CommandLine.Command;

/** Large buffers, with and without MSG_ZEROCOPY. */
@Command(name = "zerocopy", description = "MSG_ZEROCOPY, 4 KiB to 1 MiB, loopback and veth: CPU and system calls a GB.")
final class ZeroCopyCommand extends Benchmark {

    private static final List<Integer> SIZES = List.of(4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int SETTLE_MILLIS = 150;
    private static final int COUNT_MILLIS = 300;

    /** What was measured of one way to send one size. */
    private static final class Case {
        final int size;
        final boolean copy;
        final List<double[]> rounds = new ArrayList<>();
        double systemCalls = Double.NaN;
        String[] count = {"0", "0", "0"};

        Case(int size, boolean copy) {
            this.size = size;
            this.copy = copy;
        }
    }

    @Override
    protected Report measure() {
        Cores cores = Cores.choose();
        Plan plan = options.plan();
        Optional<SystemCalls> counter = options.counter();
        Report report = new Report(name(), "Large buffers without a copy", List.of(
                "A core connection writes linked direct buffers of one size, a flush each, as fast as the receiver takes them;"
                        + " the buffers are used in turns, from 32 MiB of memory, so that they are in no cache. CPU is the sender's"
                        + " process, user and system.",
                "**Neither of these links can spare the copy**: the loopback device and veth pairs copy the pages when they pass"
                        + " them on, and say so (the column of what was copied all the same). What a network card would spare"
                        + " is estimated: the last column is the CPU with zero copy, less that of copying a GB of the same"
                        + " memory in the JVM. It is not a measurement.",
                plan.rounds() + " rounds of " + plan.roundMillis() + " ms; " + cores.describe().replace("generator", "receiver")
                        .replace("server", "sender") + ". " + Options.aboutSystemCalls(counter)));
        try (Link loopback = Link.loopback()) {
            report.add(section(loopback, cores, plan, counter));
        }
        Optional<Link> veth = Link.veth();
        veth.ifPresentOrElse(link -> {
            try (link) {
                report.add(section(link, cores, plan, counter));
            }
        }, () -> options.progress.say("without veth: it takes root, ip(8) and the kernel's module"));
        return report;
    }

    private Section section(Link link, Cores cores, Plan plan, Optional<SystemCalls> counter) {
        List<Case> cases = new ArrayList<>();
        SIZES.forEach(size -> {
            cases.add(new Case(size, true));
            cases.add(new Case(size, false));
        });
        Map<Integer, Double> copying = new LinkedHashMap<>();
        try (Child sender = new Child("sender", link.sender(Jvm.command(List.of(), Blast.class, link.host())), cores.server(),
                Folders.target().resolve("blast.log"))) {
            String listening = sender.line(PATIENCE);
            String port = listening.substring(listening.lastIndexOf(':') + 1);
            try (Child sink = new Child("receiver", link.receiver(Jvm.command(List.of(), Sink.class, link.host(), port)),
                    cores.load(), Folders.target().resolve("sink.log"))) {
                for (Case each : cases) { // the compiler's time
                    play(sender, sink, each, plan.warmUpMillis() / cases.size(), false);
                }
                for (int round = 0; round < plan.rounds(); round++) {
                    options.progress.say("zerocopy " + link.label() + ": round " + (round + 1));
                    for (Case each : cases) {
                        play(sender, sink, each, plan.roundMillis(), true);
                    }
                }
                for (int size : SIZES) {
                    copying.put(size, Long.parseLong(sender.ask("copy " + size, PATIENCE)) / 1e9);
                }
                counter.ifPresent(tool -> cases.forEach(each -> count(sender, sink, each, cores, tool)));
            }
        }
        return table(link, cases, copying);
    }

    private void play(Child sender, Child sink, Case each, long millis, boolean counted) {
        sink.ask("open " + each.size + " " + (each.copy ? 1 : 0), PATIENCE);
        sink.ask("run " + SETTLE_MILLIS, PATIENCE);
        long before = CpuClock.nanos(sender.pid());
        String[] done = sink.ask("run " + millis, PATIENCE).split(" ");
        long used = CpuClock.nanos(sender.pid()) - before;
        sink.ask("close", PATIENCE);
        pause();
        if (counted) {
            double gigabytes = Long.parseLong(done[0]) / 1e9;
            each.rounds.add(new double[] {used / 1e9 / gigabytes, gigabytes / (Long.parseLong(done[1]) / 1e9)});
            if (!each.copy) {
                each.count = sender.ask("count", PATIENCE).split(" ");
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50); // the sender finds out, and is at rest
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void count(Child sender, Child sink, Case each, Cores cores, SystemCalls tool) {
        sink.ask("open " + each.size + " " + (each.copy ? 1 : 0), PATIENCE);
        sink.ask("run " + SETTLE_MILLIS, PATIENCE);
        String[][] done = new String[1][];
        OptionalLong calls = tool.count(sender.pid(), cores,
                () -> done[0] = sink.ask("run " + COUNT_MILLIS, PATIENCE).split(" "));
        sink.ask("close", PATIENCE);
        pause();
        if (calls.isPresent()) {
            each.systemCalls = calls.getAsLong() / (Long.parseLong(done[0][0]) / 1e9);
        }
    }

    private static Section table(Link link, List<Case> cases, Map<Integer, Double> copying) {
        Section section = new Section("Over " + link.label(), "CPU of the sender in s a GB", List.of("buffers", "CPU s/GB",
                "GB/s", "system calls/GB", "sends lent", "copied all the same", "without that copy (estimate) s/GB"));
        for (Case each : cases) {
            String label = each.size / 1024 + " KiB " + (each.copy ? "copied" : "zero copy");
            Numbers cpu = Numbers.of(each.rounds, round -> round[0]);
            double copy = copying.getOrDefault(each.size, 0.0);
            section.row(List.of(label, cpu.text(3), Numbers.of(each.rounds, round -> round[1]).text(2),
                    Double.isNaN(each.systemCalls) ? "-" : Numbers.text(each.systemCalls, 0),
                    each.copy ? "-" : each.count[0], each.copy ? "-" : each.count[1],
                    each.copy ? "-" : Numbers.text(Math.max(0, cpu.median() - copy), 3)));
            section.bar(new Bar(label, cpu.median(), cpu.text(3), !each.copy));
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("size", each.size);
            data.put("copied", each.copy);
            data.put("copySecondsPerGigabyte", copy);
            data.put("systemCallsPerGigabyte", Double.isNaN(each.systemCalls) ? -1 : each.systemCalls);
            data.put("rounds", each.rounds.stream().map(round -> Map.of("cpuSecondsPerGigabyte", round[0],
                    "gigabytesPerSecond", round[1])).toList());
            section.data(data);
        }
        return section;
    }
}
