package io.netpark.bench.redis;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Meter;
import io.netpark.bench.machine.Meter.Usage;
import io.netpark.bench.run.Plan;
import io.netpark.bench.run.Progress;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The servers against each other, by rounds: each has its turn while the others sleep. */
public final class RedisMatch implements Closeable {

    /** For a first guess of how many requests fit into a turn. */
    private static final long GUESS = 20_000;
    /** Every connection has had so many batches of the deepest pipeline. */
    private static final long MULTIPLE = RedisShape.CONNECTIONS * 16L;

    private final Plan plan;
    private final Cores cores;
    private final Progress progress;
    private final RedisLoad load;
    private final Map<RedisContender, RedisProcess> servers = new EnumMap<>(RedisContender.class);

    /** Starts the servers. */
    public RedisMatch(Plan plan, List<RedisContender> contenders, Cores cores, Progress progress) {
        this.plan = plan;
        this.cores = cores;
        this.progress = progress;
        this.load = new RedisLoad(cores);
        try {
            for (RedisContender contender : contenders) {
                servers.put(contender, RedisProcess.start(contender, cores));
            }
        } catch (BenchFailure e) {
            close();
            throw e;
        }
    }

    /** Plays one shape: warm-up and rounds. */
    public Map<RedisContender, List<RedisRound>> play(RedisShape shape) {
        progress.say(shape.label() + ": warm-up");
        Map<RedisContender, Long> requests = new EnumMap<>(RedisContender.class);
        Map<RedisContender, List<RedisRound>> rounds = new EnumMap<>(RedisContender.class);
        servers.forEach((contender, server) -> {
            double first = load.run(server.port(), shape, GUESS).perSecond();
            double warm = load.run(server.port(), shape, count(first, plan.warmUpMillis())).perSecond();
            requests.put(contender, count(warm, plan.roundMillis()));
            rounds.put(contender, new ArrayList<>());
        });
        List<RedisContender> order = new ArrayList<>(servers.keySet());
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.say(shape.label() + ": round " + round + " of " + plan.rounds());
            for (RedisContender contender : order) {
                RedisProcess server = servers.get(contender);
                assert server != null;
                rounds.getOrDefault(contender, List.of())
                        .add(turn(server, shape, requests.getOrDefault(contender, GUESS)));
            }
            Collections.rotate(order, 1 + order.size() / 2);
        }
        return rounds;
    }

    private static long count(double perSecond, long millis) {
        return Math.max(1, Math.round(perSecond * millis / 1000 / MULTIPLE)) * MULTIPLE;
    }

    private RedisRound turn(RedisProcess server, RedisShape shape, long requests) {
        Meter meter = Meter.start(server, cores);
        long nanos = System.nanoTime();
        RedisLoad.Score score = load.run(server.port(), shape, requests);
        nanos = System.nanoTime() - nanos;
        Usage usage = meter.stop();
        return new RedisRound(score.requests(), usage.cpu(), usage.othersCpu(), nanos, score.perSecond(), score.p50Micros(),
                score.p99Micros(), usage.resident(), usage.allocated());
    }

    @Override
    public void close() {
        servers.values().forEach(RedisProcess::close);
    }
}
