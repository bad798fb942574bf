package io.netpark.bench.run;

import io.netpark.bench.server.Service;
import java.io.Closeable;
import java.time.Duration;
import java.util.List;

/** A contender, running. */
public final class ServerProcess implements Closeable {

    private static final Duration START = Duration.ofSeconds(20);
    private static final Duration ANSWER = Duration.ofSeconds(20);

    private final Contender contender;
    private final Child child;
    private final int port;
    private final long pid;

    private ServerProcess(Contender contender, Child child) {
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
        Child child = new Child(contender.label(), contender.command(service, jvmFlags), cores.server(),
                Folders.target().resolve(contender.label() + ".log"));
        try {
            return new ServerProcess(contender, child);
        } catch (BenchFailure e) {
            child.close();
            throw e;
        }
    }

    public Contender contender() {
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
        return contender.isJvm() ? Long.parseLong(child.ask("allocated", ANSWER)) : 0;
    }

    /** Milliseconds that its compilers have worked since it started; 0 for one that is not a JVM. */
    public long compiled() {
        return contender.isJvm() ? Long.parseLong(child.ask("compiled", ANSWER)) : 0;
    }

    /** Bytes in use on its heap after a collection; 0 for one that has no heap. */
    public long heap() {
        return contender.isJvm() ? Long.parseLong(child.ask("heap", ANSWER)) : 0;
    }

    /** Measures the hand-over of tasks; "none" for one that takes none. */
    public String tasks(int count) {
        return contender.isJvm() ? child.ask("tasks " + count, Duration.ofSeconds(60)) : "none";
    }

    @Override
    public void close() {
        child.close();
    }
}
