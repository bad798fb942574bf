package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Memory;
import io.netpark.bench.machine.Meter.Metered;
import io.netpark.bench.server.Service;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** A contender that listens, running. */
public final class ServerProcess implements Metered, Closeable {

    private static final Duration START = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(20);

    private final Entrant contender;
    private final Child child;
    private final int port;
    private final long pid;

    private ServerProcess(Entrant contender, Child child) {
        this.contender = contender;
        this.child = child;
        String line = child.line(START);
        this.port = Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
        this.pid = Nginx.pid(line).orElse(child.pid());
    }

    /** Starts it on its core and waits until it listens. */
    public static ServerProcess start(Contender contender, Service service, Cores cores) {
        return start(contender, service, cores, List.of());
    }

    /** The same with further JVM flags. */
    public static ServerProcess start(Contender contender, Service service, Cores cores, List<String> jvmFlags) {
        return start(contender, contender.command(service, jvmFlags), cores, contender.label());
    }

    /**
     * Starts somebody by another command.
     *
     * @param log name of the file that gets its standard error, without .log
     */
    public static ServerProcess start(Entrant contender, List<String> command, Cores cores, String log) {
        Child child = new Child(contender.label(), command, cores.server(), Folders.target().resolve(log + ".log"));
        try {
            return new ServerProcess(contender, child);
        } catch (BenchFailure e) {
            child.close();
            throw e;
        }
    }

    public Entrant contender() {
        return contender;
    }

    public int port() {
        return port;
    }

    @Override
    public long pid() {
        return pid;
    }

    @Override
    public long allocated() {
        return contender.isJvm() ? Long.parseLong(child.ask("allocated", ANSWER)) : 0;
    }

    /** Bytes in use on its heap after a collection; 0 for one that has no heap. */
    public long heap() {
        return contender.isJvm() ? Long.parseLong(child.ask("heap", ANSWER)) : 0;
    }

    /** Has its heap collected in so many milliseconds; nothing for one that has no heap. */
    public void collectIn(long millis) {
        if (contender.isJvm()) {
            child.ask("collect " + millis, ANSWER);
        }
    }

    /** Bytes of it in memory. */
    public long resident() {
        return Memory.resident(pid);
    }

    /** How many descriptors it has open. */
    public long descriptors() {
        try (Stream<Path> open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return open.count();
        } catch (IOException e) {
            throw new BenchFailure("the descriptors of process " + pid + " cannot be counted: " + e.getMessage());
        }
    }

    /** Measures the hand-over of tasks; "none" for one that takes none. */
    public String tasks(int count) {
        return contender.isJvm() ? child.ask("tasks " + count, Duration.ofSeconds(60)) : "none";
    }

    /**
     * Has it look at its own loop again and again until it is asked what that {@link #looked} like.
     *
     * @param what connections, health, dump or nothing
     */
    public void look(String what) {
        String answer = child.ask("look " + what, ANSWER);
        if (!answer.equals("ok")) {
            throw new BenchFailure(contender.label() + " does not look at itself: " + answer);
        }
    }

    /** Ends the looking. Returns what it was like: words of a name, an equals sign and a number. */
    public String looked() {
        return child.ask("looked", ANSWER);
    }

    /** Has it end by itself, and waits for that. */
    public void end(Duration patience) {
        child.end(patience);
    }

    @Override
    public void close() {
        child.close();
    }
}
