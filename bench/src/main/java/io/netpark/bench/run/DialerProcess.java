package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Meter.Metered;
import io.netpark.bench.run.LoadProcess.Done;
import java.io.Closeable;
import java.time.Duration;

/** A dialer, running. Its commands are those of {@link io.netpark.bench.dial.Dials}. */
public final class DialerProcess implements Metered, Closeable {

    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Child child;

    /** Starts it on its core. */
    public DialerProcess(Contender contender, Cores cores) {
        child = new Child(contender.label(), contender.dialCommand(), cores.server(),
                Folders.target().resolve(contender.label() + ".log"));
    }

    @Override
    public long pid() {
        return child.pid();
    }

    /** Dials a port for a while. */
    public Done dial(int port, long millis) {
        return LoadProcess.done(ask("dial " + port + " " + millis));
    }

    @Override
    public long allocated() {
        return Long.parseLong(ask("allocated").substring("ok ".length()));
    }

    private String ask(String command) {
        String answer = child.ask(command, PATIENCE);
        if (!answer.startsWith("ok")) {
            throw new BenchFailure(child.name() + " " + answer);
        }
        return answer;
    }

    @Override
    public void close() {
        child.close();
    }
}
