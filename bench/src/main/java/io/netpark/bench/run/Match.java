package io.netpark.bench.run;

import io.netpark.bench.machine.CompilerClock;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.CpuClock;
import io.netpark.bench.machine.Meter;
import io.netpark.bench.machine.SystemCalls;
import io.netpark.bench.run.LoadProcess.Done;
import java.io.Closeable;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Contenders against each other in one shape, by {@link Rounds}. One generator is there for all. */
public final class Match implements Closeable {

    /** Of a turn, before it is measured: caches, buffers and the other process's scheduler find their state. */
    private static final long SETTLE_MILLIS = 200;
    /** As long at most, and no longer than a warm-up, if compilers are at work: a turn begins with connections, whose code they compile. */
    private static final long LONGEST_SETTLE_MILLIS = 3_000;
    private static final long COUNT_MILLIS = 300;
    /** What part of the warm-up connections may come and go. */
    private static final long COMING_AND_GOING = 4;
    private static final long SLICE_MILLIS = 200;
    /** As much as the compilers may have worked, in a slice of the warm-up or before a turn is measured, to count as calm. */
    private static final long CALM_NANOS = 4_000_000;
    private static final int CALM_SLICES = 3;
    private static final long LOOK_MILLIS = 30;
    private static final long REST_NANOS = 1_500_000;
    private static final int LOOKS = 33;

    private final Shape shape;
    private final Plan plan;
    private final Cores cores;
    private final LoadProcess load;
    /** Processes that keep a contender busy: the generator's, and those that help it. */
    private final long[] loads;
    private final Rounds<ServerProcess> rounds;

    /** Starts the generator and all the servers. */
    public Match(Shape shape, Plan plan, List<Contender> contenders, Cores cores, Progress progress) {
        this(shape, plan, contenders, contender -> ServerProcess.start(contender, shape.service(), cores), cores, progress);
    }

    /**
     * As the other, of contenders that are started otherwise.
     *
     * @param helpers processes that are as busy as the generator, and stay the caller's to close
     */
    public <E extends Entrant> Match(Shape shape, Plan plan, List<E> contenders, Function<E, ServerProcess> start, Cores cores,
            Progress progress, ServerProcess... helpers) {
        this.shape = shape;
        this.plan = plan;
        this.cores = cores;
        this.load = LoadProcess.start(cores);
        this.loads = LongStream.concat(LongStream.of(load.pid()), Stream.of(helpers).mapToLong(ServerProcess::pid)).toArray();
        this.rounds = new Rounds<>(shape.label(), plan, progress, contenders, start);
    }

    /** Plays it: warm-up, rounds, and a separate short run in which system calls are counted. */
    public List<Record> play(Optional<SystemCalls> counter) {
        rounds.play(this::warmUp, this::turn);
        counter.ifPresent(tool -> rounds.each("counting system calls with " + tool.name(),
                (server, record) -> count(server, record, tool)));
        return rounds.records();
    }

    /** Until its compilers have little left to do: what they did later would count as the server's. */
    private void warmUp(ServerProcess server) {
        Shape work = shape.warmUp().toward(server.contender());
        long spent = shape.comeAndGo(load, server.port(), plan.warmUpMillis() / COMING_AND_GOING);
        work.open(load, server.port());
        try {
            CompilerClock compilers = new CompilerClock(server.pid());
            long compiled = compilers.nanos();
            int calm = 0;
            for (; spent < plan.warmUpMillis() && calm < CALM_SLICES; spent += SLICE_MILLIS) {
                work.run(load, server.port(), SLICE_MILLIS);
                long before = compiled;
                compiled = compilers.nanos();
                calm = compiled - before <= CALM_NANOS ? calm + 1 : 0;
            }
        } finally {
            work.close(load);
        }
        awaitRest(server);
    }

    /** What it has still to do, its compiler above all, would be done on the core of the one whose turn is next. */
    private static void awaitRest(ServerProcess server) {
        long before = CpuClock.nanos(server.pid());
        for (int looks = 0; looks < LOOKS; looks++) {
            Meter.pause(LOOK_MILLIS);
            long now = CpuClock.nanos(server.pid());
            if (now - before < REST_NANOS) {
                return;
            }
            before = now;
        }
    }

    private Sample turn(ServerProcess server, long millis) {
        Shape toward = shape.toward(server.contender());
        Sample sample;
        toward.open(load, server.port());
        try {
            settle(server, toward);
            Meter meter = Meter.start(server, cores, loads);
            Done done = toward.run(load, server.port(), millis);
            sample = Sample.of(done, meter.stop());
        } finally {
            toward.close(load);
        }
        awaitRest(server);
        return sample;
    }

    /** Until compilers are calm: thousands of handshakes are behind them, and their work on those would be in the turn's figures. */
    private void settle(ServerProcess server, Shape toward) {
        CompilerClock compilers = new CompilerClock(server.pid());
        long before;
        long compiled = compilers.nanos();
        long longest = Math.min(LONGEST_SETTLE_MILLIS, plan.warmUpMillis());
        long spent = 0;
        do {
            before = compiled;
            toward.run(load, server.port(), SETTLE_MILLIS);
            spent += SETTLE_MILLIS;
            compiled = compilers.nanos();
        } while (compiled - before > CALM_NANOS && spent < longest);
    }

    private void count(ServerProcess server, Record record, SystemCalls tool) {
        Shape toward = shape.toward(server.contender());
        toward.open(load, server.port());
        try {
            Done[] done = new Done[1];
            tool.count(server.pid(), cores, () -> done[0] = toward.run(load, server.port(), COUNT_MILLIS))
                    .ifPresent(calls -> record.systemCalls(calls, done[0]));
        } finally {
            toward.close(load);
        }
    }

    @Override
    public void close() {
        rounds.close();
        load.close();
    }
}
