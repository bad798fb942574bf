package io.netpark.bench.proxy;

import io.netpark.bench.run.BenchFailure;
import io.netpark.bench.run.Child;
import io.netpark.bench.run.Cores;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Memory;
import io.netpark.bench.run.Nginx;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** A contender, running. */
public final class ProxyProcess implements Closeable {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ProxyContender contender;
    private final Child child;
    private final int port;
    private final long pid;

    private ProxyProcess(ProxyContender contender, Child child) {
        this.contender = contender;
        this.child = child;
        String line = child.line(PATIENCE);
        this.port = Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
        this.pid = Nginx.pid(line).orElse(child.pid());
    }

    /**
     * Starts it on the server's core and waits until it listens.
     *
     * @param upstreamPort on 127.0.0.1
     * @param jvmFlags beyond those that all have
     */
    public static ProxyProcess start(ProxyContender contender, int upstreamPort, Cores cores, List<String> jvmFlags) {
        Child child = new Child(contender.label(), contender.command(upstreamPort, jvmFlags), cores.server(),
                Folders.target().resolve("proxy-" + contender.label() + ".log"));
        try {
            return new ProxyProcess(contender, child);
        } catch (BenchFailure e) {
            child.close();
            throw e;
        }
    }

    public ProxyContender contender() {
        return contender;
    }

    public int port() {
        return port;
    }

    public long pid() {
        return pid;
    }

    /** Bytes its threads have allocated since it started; 0 for one that is not a JVM. */
    public long allocated() {
        return contender.isJvm() ? Long.parseLong(child.ask("allocated", PATIENCE)) : 0;
    }

    /** Bytes in use on its heap after a collection; 0 for one that has no heap. */
    public long heap() {
        return contender.isJvm() ? Long.parseLong(child.ask("heap", PATIENCE)) : 0;
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

    @Override
    public void close() {
        child.close();
    }
}
