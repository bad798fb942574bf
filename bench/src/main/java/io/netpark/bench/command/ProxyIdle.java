package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.proxy.ProxyContender;
import io.netpark.bench.proxy.Upstream;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a pair of connections costs a proxy that has nothing to pass on. */
final class ProxyIdle {

    private static final int PAIRS = 1_000;
    private static final int WARM_UP_PAIRS = 50;
    private static final int SIZE = 64;
    private static final int BUFFER = 128;

    private final Options options;
    private final Cores cores;
    private final Section section = new Section("A pair that waits",
            "bytes a pair, heap and native, of " + Numbers.text(PAIRS, 0),
            List.of("proxy", "bytes", "of that heap", "native", "descriptors"));

    ProxyIdle(Options options, Cores cores) {
        this.options = options;
        this.cores = cores;
    }

    Section measure(List<ProxyContender> contenders) {
        try (ServerProcess upstream = Upstream.start(new Service(Mode.ECHO, 1, BUFFER), cores);
                LoadProcess load = LoadProcess.start(cores)) {
            for (ProxyContender contender : contenders) {
                options.progress.say("idle: " + contender.label());
                try (ServerProcess proxy = contender.start(upstream.port(), cores, IdleCommand.FIXED_HEAP)) {
                    measure(proxy, load);
                } catch (BenchFailure e) {
                    section.note(contender.label() + " dropped out: " + e.getMessage());
                }
            }
        }
        section.note(Numbers.text(PAIRS, 0) + " pairs that have passed on " + SIZE + " bytes there and back each, over what the"
                + " proxy had after a warm-up on " + WARM_UP_PAIRS + ". Heap: in use after a collection; native: growth of"
                + " resident memory, the heap being resident in full from the start. Two descriptors are the two sockets; the"
                + " kernel's memory is not counted.");
        return section;
    }

    private void measure(ServerProcess proxy, LoadProcess load) {
        load.open(proxy.port(), WARM_UP_PAIRS, SIZE, 1);
        load.run(Math.min(options.warmUpMillis(), IdleCommand.WARM_UP_MILLIS), WARM_UP_PAIRS);
        load.disconnect();
        long heap = proxy.heap();
        long outside = proxy.resident();
        long descriptors = proxy.descriptors();
        load.open(proxy.port(), PAIRS, SIZE, 1);
        load.once();
        double heapOfPair = (double) (proxy.heap() - heap) / PAIRS;
        double nativeOfPair = (double) (proxy.resident() - outside) / PAIRS;
        double descriptorsOfPair = (double) (proxy.descriptors() - descriptors) / PAIRS;
        load.disconnect();
        String label = proxy.contender().label();
        String both = Numbers.text(heapOfPair + nativeOfPair, 0);
        section.row(List.of(label, both, Numbers.text(heapOfPair, 0), Numbers.text(nativeOfPair, 0),
                Numbers.text(descriptorsOfPair, 1)));
        section.bar(new Bar(label, heapOfPair + nativeOfPair, both, proxy.contender().isNetpark()));
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("proxy", label);
        data.put("heap", heapOfPair);
        data.put("native", nativeOfPair);
        data.put("descriptors", descriptorsOfPair);
        section.data(data);
    }
}
