package io.netpark.bench.command;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.redis.RedisContender;
import io.netpark.bench.redis.RedisMatch;
import io.netpark.bench.redis.RedisRound;
import io.netpark.bench.redis.RedisShape;
import io.netpark.bench.report.Numbers;
import io.netpark.bench.report.Pairs;
import io.netpark.bench.report.Report;
import io.netpark.bench.report.Section;
import io.netpark.bench.report.Section.Bar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;

/** A real protocol, beside the server it was made for. */
@Command(name = "redis", description = "The redis sample beside redis-server, driven by redis-benchmark: GET and SET.")
final class RedisCommand extends Benchmark {

    /** Below this share of its core a server is not at its limit. */
    private static final double BUSY = 0.9;
    /** Above this share of the server's core, others make a difference. */
    private static final double DISTURBING = 0.05;

    @Override
    protected Report measure() {
        if (!Cores.onPath("redis-benchmark")) {
            throw new BenchFailure("redis-benchmark is missing; it is the generator here, and comes with redis-tools");
        }
        List<RedisContender> contenders = new ArrayList<>();
        for (RedisContender contender : RedisContender.values()) {
            Optional<String> absence = contender.absence();
            if (absence.isPresent()) {
                options.progress.say("without " + contender.label() + ": " + absence.get());
            } else {
                contenders.add(contender);
            }
        }
        Cores cores = Cores.choose();
        Report report = new Report(name(), "Redis", List.of(
                "The redis sample, on the callback API with one event loop, beside redis-server without persistence."
                        + " redis-benchmark drives them: " + RedisShape.CONNECTIONS + " connections, values of "
                        + RedisShape.VALUE + " bytes, " + RedisShape.KEYS + " keys by chance; P1 and P16 are 1 and 16 requests"
                        + " in flight on each connection.",
                "CPU is user and system time of the server's process. Requests/s and latencies are what redis-benchmark says,"
                        + " which has one core and is often what limits them. redis-server does more for a request than the"
                        + " sample: it keeps statistics, memory limits and types, so the ratio says what the network costs"
                        + " here, not that the sample could replace it.",
                options.extentOfOneLife() + "; " + cores.describe() + "."));
        List<RedisShape> shapes = options.shapes(RedisShape.ALL, RedisShape::label);
        try (RedisMatch match = new RedisMatch(options.plan(), contenders, cores, options.progress)) {
            for (RedisShape shape : shapes) {
                report.add(section(shape, match.play(shape)));
            }
        }
        return report;
    }

    private static Section section(RedisShape shape, Map<RedisContender, List<RedisRound>> match) {
        Section section = new Section(shape.label(), "CPU of the server in µs a request",
                List.of("server", "CPU µs/request", "× redis-server", "requests/s", "p50 µs", "p99 µs", "RSS MiB",
                        "allocated B/request"));
        List<String> waiting = new ArrayList<>();
        List<String> disturbed = new ArrayList<>();
        match.forEach((contender, rounds) -> {
            Numbers cpu = Numbers.of(rounds, RedisRound::cpuMicros);
            Numbers ratio = ratios(rounds, match.getOrDefault(RedisContender.REDIS_SERVER, List.of()));
            section.row(List.of(contender.label(), cpu.text(2), ratio.interval(2),
                    Numbers.of(rounds, RedisRound::perSecond).text(0),
                    Numbers.of(rounds, RedisRound::p50Micros).text(0), Numbers.of(rounds, RedisRound::p99Micros).text(0),
                    Numbers.of(rounds, round -> round.resident() / 1048576.0).text(0),
                    contender.isNetpark() ? Numbers.of(rounds, RedisRound::allocatedPerRequest).text(1) : "–"));
            section.bar(new Bar(contender.label(), cpu.median(), cpu.text(2), contender.isNetpark()));
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("server", contender.label());
            object.put("ratio", ratio.median());
            object.put("rounds", rounds.stream().map(RedisCommand::data).toList());
            section.data(object);
            double others = Numbers.of(rounds, RedisRound::othersShare).median();
            double server = Numbers.of(rounds, RedisRound::serverShare).median();
            if (others > DISTURBING) {
                disturbed.add(contender.label() + " (" + Numbers.text(100 * others, 0) + " %)");
            } else if (server < BUSY) {
                waiting.add(contender.label() + " (" + Numbers.text(100 * server, 0) + " %)");
            }
        });
        if (!waiting.isEmpty()) {
            section.note("redis-benchmark is the bottleneck for " + String.join(", ", waiting)
                    + " of its core: throughput and latency are the generator's, CPU a request holds.");
        }
        if (!disturbed.isEmpty()) {
            section.note("Other processes were on the server's core: " + String.join(", ", disturbed)
                    + " of the time. Throughput and latency suffer from that.");
        }
        return section;
    }

    /** To redis-server in the rounds around. */
    private static Numbers ratios(List<RedisRound> rounds, List<RedisRound> base) {
        return Pairs.ratios(rounds, base, RedisRound::cpuMicros);
    }

    private static Map<String, Object> data(RedisRound round) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("requests", round.requests());
        object.put("cpuNanos", round.cpu());
        object.put("cpuMicrosPerRequest", round.cpuMicros());
        object.put("requestsPerSecond", round.perSecond());
        object.put("p50Micros", round.p50Micros());
        object.put("p99Micros", round.p99Micros());
        object.put("residentBytes", round.resident());
        object.put("allocatedBytes", round.allocated());
        object.put("serverShare", round.serverShare());
        object.put("othersShare", round.othersShare());
        return object;
    }
}
