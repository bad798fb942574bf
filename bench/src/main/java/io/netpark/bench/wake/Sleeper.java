package io.netpark.bench.wake;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Floor;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.ServerProcess;
import io.netpark.bench.server.Service;
import io.netpark.bench.server.Service.Mode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/** Something that sleeps until it has a task, and what its wakes took, round by round. */
final class Sleeper implements Closeable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int BUFFER = 512;

    private final String label;
    private final boolean isNetpark;
    private final IntFunction<String> wake;
    private final Closeable process;
    private final List<Wakes> rounds = new ArrayList<>();

    /** Percentiles of the wakes of a round, in nanoseconds. */
    record Wakes(long p50, long p99, long p999) {

        static Wakes of(String answer) {
            long[] nanos = new long[3];
            String[] words = answer.split(" ");
            if (words.length != nanos.length) {
                throw new BenchFailure("not wakes: " + answer);
            }
            for (int i = 0; i < nanos.length; i++) {
                nanos[i] = Long.parseLong(words[i].substring(words[i].indexOf('=') + 1));
            }
            return new Wakes(nanos[0], nanos[1], nanos[2]);
        }
    }

    private Sleeper(String label, boolean isNetpark, IntFunction<String> wake, Closeable process) {
        this.label = label;
        this.isNetpark = isNetpark;
        this.wake = wake;
        this.process = process;
    }

    /** A loop; empty for one that takes no tasks. */
    static Optional<Sleeper> loop(Contender contender) {
        ServerProcess server = ServerProcess.start(contender, new Service(Mode.STAMP, 1, BUFFER), new Cores(-1, -1));
        if (server.tasks(1).equals("none")) {
            server.close();
            return Optional.empty();
        }
        return Optional.of(new Sleeper(contender.label(), contender.isNetpark(), server::tasks, server));
    }

    /**
     * A thread in C.
     *
     * @param kind on what it waits: futex or epoll
     */
    static Optional<Sleeper> inC(String kind) {
        Optional<Path> program = Floor.program("wake");
        if (program.isEmpty()) {
            return Optional.empty();
        }
        Child child = new Child("floor, " + kind, List.of(program.get().toString()), -1, Folders.target().resolve("floor-wake.log"));
        child.line(PATIENCE);
        return Optional.of(new Sleeper("floor, " + kind, false, count -> child.ask(kind + " " + count, PATIENCE), child));
    }

    String label() {
        return label;
    }

    boolean isNetpark() {
        return isNetpark;
    }

    void play(int count) {
        rounds.add(Wakes.of(wake.apply(count)));
    }

    List<Wakes> rounds() {
        return rounds;
    }

    @Override
    public void close() {
        try {
            process.close();
        } catch (IOException e) {
            throw new BenchFailure(label + " does not end: " + e.getMessage());
        }
    }
}
