package io.netpark.bench.redis;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.HeldPorts;
import io.netpark.bench.machine.Meter.Metered;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import io.netpark.core.sys.Binding;
import java.io.Closeable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** A contender, running: one thread that serves, nothing written to a disk. */
final class RedisProcess implements Metered, Closeable {

    private static final Duration START = Duration.ofSeconds(20);

    private final RedisContender contender;
    private final Child child;
    private final int port;

    private RedisProcess(RedisContender contender, Child child, int port) {
        this.contender = contender;
        this.child = child;
        this.port = port;
    }

    /** Starts it on its core and waits until it listens. */
    static RedisProcess start(RedisContender contender, Cores cores) {
        Binding binding = contender.binding();
        int port = binding == null ? HeldPorts.hold() : 0; // redis-server cannot choose one itself
        List<String> command = binding == null
                ? List.of("redis-server", "--port", Integer.toString(port), "--bind", "127.0.0.1",
                        "--save", "", "--appendonly", "no", "--daemonize", "no")
                : Jvm.command(List.of("-D" + Binding.PROPERTY + "=" + binding.name().toLowerCase(Locale.ROOT)), ServeRedis.class);
        Path log = Folders.target().resolve("redis-" + contender.label() + ".log");
        Child child = new Child(contender.label(), command, cores.server(), log);
        try {
            return new RedisProcess(contender, child, awaitPort(child, port));
        } catch (BenchFailure e) {
            child.close();
            throw e;
        }
    }

    private static int awaitPort(Child child, int port) {
        while (true) {
            String line = child.line(START);
            if (port == 0) {
                return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
            }
            if (line.contains("Ready to accept connections")) {
                return port;
            }
        }
    }

    int port() {
        return port;
    }

    @Override
    public long pid() {
        return child.pid();
    }

    @Override
    public long allocated() {
        return contender.isNetpark() ? Long.parseLong(child.ask("allocated", START)) : 0;
    }

    @Override
    public void close() {
        child.close();
    }
}
