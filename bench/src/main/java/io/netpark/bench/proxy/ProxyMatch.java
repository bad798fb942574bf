package io.netpark.bench.proxy;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.run.Match;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Progress;
import io.netpark.bench.run.Record;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import java.io.Closeable;
import java.util.List;
import java.util.Optional;

/** A {@link Match} of proxies. One upstream serves all of them, and belongs to the load as the generator does. */
public final class ProxyMatch implements Closeable {

    private final ServerProcess upstream;
    private final Match match;

    /** Starts the upstream, the generator and all the proxies. */
    public ProxyMatch(Shape shape, Plan plan, List<ProxyContender> contenders, Cores cores, Progress progress) {
        upstream = Upstream.start(shape.service(), cores);
        match = new Match(shape, plan, contenders, contender -> contender.start(upstream.port(), cores, List.of()), cores,
                progress, upstream);
    }

    /** As {@link Match#play}. */
    public List<Record> play(Optional<SystemCalls> counter) {
        return match.play(counter);
    }

    @Override
    public void close() {
        match.close();
        upstream.close();
    }
}
