package io.netpark.bench.redis;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs redis-benchmark, on the generator's core. */
final class RedisLoad {

    private static final long PATIENCE_SECONDS = 120;

    private final Cores cores;

    RedisLoad(Cores cores) {
        this.cores = cores;
    }

    /**
     * What it says.
     *
     * @param requests answered
     * @param perSecond of them
     * @param p50Micros half were answered within
     * @param p99Micros of a hundred, 99 were answered within
     */
    record Score(long requests, double perSecond, double p50Micros, double p99Micros) {}

    Score run(int port, RedisShape shape, long requests) {
        List<String> command = Cores.pinned(List.of("redis-benchmark", "-h", "127.0.0.1", "-p", Integer.toString(port),
                "-c", Integer.toString(RedisShape.CONNECTIONS), "-n", Long.toString(requests),
                "-P", Integer.toString(shape.depth()), "-t", shape.command(), "-r", Integer.toString(RedisShape.KEYS),
                "-d", Integer.toString(RedisShape.VALUE), "--csv"), cores.load());
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output;
            try {
                output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                    throw new BenchFailure("redis-benchmark failed: " + output.strip());
                }
            } finally {
                process.destroyForcibly();
            }
            return score(requests, output);
        } catch (IOException e) {
            throw new BenchFailure("redis-benchmark could not be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchFailure("interrupted");
        }
    }

    /** "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms". */
    private static Score score(long requests, String output) {
        String[] lines = output.strip().split("\n");
        String[] cells = lines[lines.length - 1].replace("\"", "").split(",");
        try {
            return new Score(requests, Double.parseDouble(cells[1]),
                    1000 * Double.parseDouble(cells[4]), 1000 * Double.parseDouble(cells[6]));
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new BenchFailure("redis-benchmark said " + output.strip() + "; is it older than 6.2?");
        }
    }
}
