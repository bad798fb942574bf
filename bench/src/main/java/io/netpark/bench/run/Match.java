package io.netpark.bench.run;

import io.netpark.bench.run.LoadProcess.Done;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Contenders against each other in one shape. Every process lives through the whole match; a round gives each a turn, in
 * another order every time, while the others sleep. So what changes on the machine in the meantime changes for all.
 */
public final class Match implements Closeable {

    /** After a run a server may still have something to do: connections to close. */
    private static final long AFTERMATH_MILLIS = 30;
    /** Of a turn, before it is measured: caches, buffers and the other process's scheduler find their state. */
    private static final long SETTLE_MILLIS = 200;
    private static final long COUNT_MILLIS = 300;
    private static final long SLICE_MILLIS = 200;
    /** Of a slice of the warm-up: as much as the compiler may have worked in it to count as calm. */
    private static final long CALM_MILLIS = 4;
    private static final int CALM_SLICES = 3;

    private final Shape shape;
    private final Plan plan;
    private final Progress progress;
    private final Cores cores;
    private final LoadProcess load;
    private final Map<Contender, ServerProcess> servers = new EnumMap<>(Contender.class);
    private final Map<Contender, Record> records = new EnumMap<>(Contender.class);

    /** Starts the generator and all the servers. */
    public Match(Shape shape, Plan plan, Cores cores, Progress progress) {
        this.shape = shape;
        this.plan = plan;
        this.cores = cores;
        this.progress = progress;
        this.load = LoadProcess.start(cores);
        for (Contender contender : plan.contenders()) {
            records.put(contender, new Record(contender));
            try {
                servers.put(contender, ServerProcess.start(contender, shape.service(), cores));
            } catch (BenchFailure e) {
                dropOut(contender, e);
            }
        }
    }

    /** Plays it: warm-up, rounds, and a separate short run in which system calls are counted. */
    public List<Record> play(Optional<SystemCalls> counter) {
        progress.say(shape.label() + ": warm-up");
        turns(plan.contenders(), this::warmUp);
        List<Contender> order = new ArrayList<>(plan.contenders());
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.say(shape.label() + ": round " + round + " of " + plan.rounds());
            turns(order, server -> records.get(server.contender()).add(turn(server, plan.roundMillis())));
            Collections.rotate(order, 1 + order.size() / 2);
        }
        counter.ifPresent(tool -> {
            progress.say(shape.label() + ": counting system calls with " + tool.name());
            turns(plan.contenders(), server -> count(server, tool));
        });
        return List.copyOf(records.values());
    }

    private void turns(List<Contender> order, Consumer<ServerProcess> turn) {
        for (Contender contender : order) {
            ServerProcess server = servers.get(contender);
            if (server != null) {
                try {
                    turn.accept(server);
                } catch (BenchFailure e) {
                    dropOut(contender, e);
                }
            }
        }
    }

    private void dropOut(Contender contender, BenchFailure reason) {
        progress.say(shape.label() + ": " + contender.label() + " drops out: " + reason.getMessage());
        records.get(contender).fail(reason.getMessage());
        ServerProcess server = servers.remove(contender);
        if (server != null) {
            server.close();
        }
    }

    /** Until its compiler has little left to do: what it did later would count as the server's. */
    private void warmUp(ServerProcess server) {
        Shape work = shape.warmUp();
        work.open(load, server.port());
        try {
            long compiled = server.compiled();
            int calm = 0;
            for (long spent = 0; spent < plan.warmUpMillis() && calm < CALM_SLICES; spent += SLICE_MILLIS) {
                work.run(load, server.port(), SLICE_MILLIS);
                long before = compiled;
                compiled = server.compiled();
                calm = compiled - before <= CALM_MILLIS ? calm + 1 : 0;
            }
        } finally {
            work.close(load);
        }
    }

    private Sample turn(ServerProcess server, long millis) {
        shape.open(load, server.port());
        try {
            shape.run(load, server.port(), SETTLE_MILLIS);
            pause();
            long allocated = server.allocated();
            long cpu = CpuClock.nanos(server.pid());
            long loadCpu = CpuClock.nanos(load.pid());
            long busy = CoreClock.busy(cores.server());
            Done done = shape.run(load, server.port(), millis);
            loadCpu = CpuClock.nanos(load.pid()) - loadCpu;
            pause();
            busy = CoreClock.busy(cores.server()) - busy;
            cpu = CpuClock.nanos(server.pid()) - cpu;
            allocated = server.allocated() - allocated;
            return new Sample(done.requests(), done.bytes(), done.nanos(), cpu, loadCpu, Math.max(0, busy - cpu),
                    Memory.resident(server.pid()), allocated, done.latencies());
        } finally {
            shape.close(load);
        }
    }

    private void count(ServerProcess server, SystemCalls tool) {
        shape.open(load, server.port());
        try {
            Done[] done = new Done[1];
            tool.count(server.pid(), cores, () -> done[0] = shape.run(load, server.port(), COUNT_MILLIS))
                    .ifPresent(calls -> records.get(server.contender())
                            .systemCalls((double) calls / done[0].requests()));
        } finally {
            shape.close(load);
        }
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
        servers.values().forEach(ServerProcess::close);
        load.close();
    }
}
