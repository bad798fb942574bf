package io.netpark.bench.proxy;

import io.netpark.bench.run.BenchFailure;
import io.netpark.bench.run.CoreClock;
import io.netpark.bench.run.Cores;
import io.netpark.bench.run.CpuClock;
import io.netpark.bench.run.LoadProcess;
import io.netpark.bench.run.LoadProcess.Done;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Progress;
import io.netpark.bench.run.Sample;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.run.Shape;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Proxies against each other, by rounds: each has its turn while the others sleep. One upstream serves all of them. */
public final class ProxyMatch implements Closeable {

    /** After a run a proxy still has connections to close. */
    private static final long AFTERMATH_MILLIS = 30;
    /** Of a turn, before it is measured. */
    private static final long SETTLE_MILLIS = 200;

    private final Shape shape;
    private final Plan plan;
    private final Cores cores;
    private final Progress progress;
    private final LoadProcess load;
    private final ServerProcess upstream;
    private final Map<ProxyContender, ProxyProcess> proxies = new EnumMap<>(ProxyContender.class);
    private final Map<ProxyContender, ProxyRecord> records = new EnumMap<>(ProxyContender.class);

    /**
     * Starts the generator, the upstream and all the proxies.
     *
     * @param plan of which the contenders do not matter
     */
    public ProxyMatch(Shape shape, Plan plan, List<ProxyContender> contenders, Cores cores, Progress progress) {
        this.shape = shape;
        this.plan = plan;
        this.cores = cores;
        this.progress = progress;
        this.upstream = Upstream.start(shape.service(), cores);
        this.load = LoadProcess.start(cores);
        for (ProxyContender contender : contenders) {
            records.put(contender, new ProxyRecord(contender));
            try {
                proxies.put(contender, ProxyProcess.start(contender, upstream.port(), cores, List.of()));
            } catch (BenchFailure e) {
                dropOut(contender, e);
            }
        }
    }

    /** Plays it: warm-up and rounds. */
    public List<ProxyRecord> play() {
        List<ProxyContender> order = new ArrayList<>(records.keySet());
        progress.say(shape.label() + ": warm-up");
        turns(order, proxy -> turn(proxy, plan.warmUpMillis()));
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.say(shape.label() + ": round " + round + " of " + plan.rounds());
            turns(order, proxy -> records.get(proxy.contender()).add(turn(proxy, plan.roundMillis())));
            Collections.rotate(order, 1 + order.size() / 2);
        }
        return List.copyOf(records.values());
    }

    private void turns(List<ProxyContender> order, Consumer<ProxyProcess> turn) {
        for (ProxyContender contender : order) {
            ProxyProcess proxy = proxies.get(contender);
            if (proxy != null) {
                try {
                    turn.accept(proxy);
                } catch (BenchFailure e) {
                    dropOut(contender, e);
                }
            }
        }
    }

    private void dropOut(ProxyContender contender, BenchFailure reason) {
        progress.say(shape.label() + ": " + contender.label() + " drops out: " + reason.getMessage());
        records.get(contender).fail(reason.getMessage());
        ProxyProcess proxy = proxies.remove(contender);
        if (proxy != null) {
            proxy.close();
        }
    }

    private Sample turn(ProxyProcess proxy, long millis) {
        shape.open(load, proxy.port());
        try {
            shape.run(load, proxy.port(), SETTLE_MILLIS);
            pause();
            long allocated = proxy.allocated();
            long cpu = CpuClock.nanos(proxy.pid());
            long loadCpu = loadCpu();
            long busy = CoreClock.busy(cores.server());
            Done done = shape.run(load, proxy.port(), millis);
            loadCpu = loadCpu() - loadCpu;
            pause();
            busy = CoreClock.busy(cores.server()) - busy;
            cpu = CpuClock.nanos(proxy.pid()) - cpu;
            allocated = proxy.allocated() - allocated;
            return new Sample(done.requests(), done.bytes(), done.nanos(), cpu, loadCpu, Math.max(0, busy - cpu),
                    proxy.resident(), allocated, done.latencies());
        } finally {
            shape.close(load);
        }
    }

    private long loadCpu() {
        return CpuClock.nanos(load.pid()) + CpuClock.nanos(upstream.pid());
    }

    private static void pause() {
        try {
            Thread.sleep(AFTERMATH_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted");
        }
    }

    @Override
    public void close() {
        proxies.values().forEach(ProxyProcess::close);
        load.close();
        upstream.close();
    }
}
