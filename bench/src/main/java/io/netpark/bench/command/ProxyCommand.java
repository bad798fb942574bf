package io.netpark.bench.command;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.proxy.ProxyContender;
import io.netpark.bench.proxy.ProxyMatch;
import io.netpark.bench.proxy.Upstream;
import io.netpark.bench.report.Notes;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.TransferTable;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.Shape;
import io.netpark.bench.run.Shape.Stream;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** Bytes from one connection to another. */
@Command(name = "proxy", description = "A TCP proxy between two connections: GB/s and CPU a GB; memory of an idle pair.")
final class ProxyCommand extends Benchmark {

    private static final int CONNECTIONS = 4;
    private static final Shape SHAPE = new Stream("64KiB", CONNECTIONS, 64 << 10);

    @Override
    protected Report measure() {
        List<ProxyContender> contenders = options.fewerOf(List.of(ProxyContender.values()));
        Cores cores = Cores.choose();
        Optional<SystemCalls> counter = options.counter();
        String where = cores.server() < 0 ? cores.describe()
                : "the proxy has core " + cores.server() + " for itself, the generator and the upstream share core "
                        + cores.load();
        Report report = new Report(name(), "TCP proxy", List.of(
                "An upstream (`" + Upstream.contender().label() + "`) writes blocks of 64 KiB to " + CONNECTIONS
                        + " connections, the proxy passes them on, and the generator compares every byte: `-relay` and"
                        + " `-splice` inside the kernel by splice(2); `-copy` and nginx through memory of their process; `-heap`,"
                        + " the plain way, through a buffer of 64 KiB on the heap. The few bytes that ask for the next 4 MiB go"
                        + " the other way.",
                "CPU is user and system time of the proxy's process; \"× heap\" is its ratio to netpark-coroutine-heap in the"
                        + " rounds around, \"× nginx\" to nginx, as median [95 % interval]. It includes what TCP does on loopback"
                        + " for the generator when the proxy writes. GB/s are those of the chain: the other core sends, receives"
                        + " and compares each byte, and where a note says that it was the bottleneck it says nothing about the"
                        + " proxy.",
                options.extent() + "; " + where + ". " + Options.aboutSystemCalls(counter)));
        try (ProxyMatch match = new ProxyMatch(SHAPE, options.plan(), contenders, cores, options.progress)) {
            report.add(section(match.play(counter)));
        }
        report.add(new ProxyIdle(options, cores).measure(contenders));
        return report;
    }

    private Section section(List<Record> records) {
        Section section = new TransferTable(records, new Notes("proxy", "The generator and the upstream are"))
                .against("heap", base -> base instanceof ProxyContender proxy && proxy.isPlain())
                .against("nginx", base -> base == ProxyContender.NGINX)
                .section("One way, " + SHAPE.label());
        options.absences().forEach(section::note);
        return section;
    }
}
