package io.netpark.bench.run;

import io.netpark.bench.dial.Listen;
import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import java.io.Closeable;
import java.time.Duration;
import java.util.List;

/** The process that accepts what is dialed, and closes it. */
public final class ListenerProcess implements Closeable {

    private final Child child;
    private final int port;

    /** Starts it on the generator's core and waits until it listens. */
    public ListenerProcess(Cores cores) {
        child = new Child("listener", Jvm.command(List.of(), Listen.class), cores.load(),
                Folders.target().resolve("listener.log"));
        try {
            String line = child.line(Duration.ofSeconds(20));
            port = Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
        } catch (BenchFailure e) {
            child.close();
            throw e;
        }
    }

    public int port() {
        return port;
    }

    public long pid() {
        return child.pid();
    }

    @Override
    public void close() {
        child.close();
    }
}
