package io.netpark.bench.run;

import io.netpark.bench.machine.Cores;
import io.netpark.bench.machine.Meter;
import io.netpark.bench.run.LoadProcess.Done;
import java.io.Closeable;
import java.util.List;

/** Dialers against each other, by {@link Rounds}. */
public final class DialMatch implements Closeable {

    private static final long SETTLE_MILLIS = 100;

    private final Plan plan;
    private final Cores cores;
    private final ListenerProcess listener;
    private final Rounds<DialerProcess> rounds;

    /** Starts the listener and all the dialers. */
    public DialMatch(Plan plan, List<Contender> contenders, Cores cores, Progress progress) {
        this.plan = plan;
        this.cores = cores;
        this.listener = new ListenerProcess(cores);
        this.rounds = new Rounds<>("dial", plan, progress, contenders, contender -> new DialerProcess(contender, cores));
    }

    /** Plays it: warm-up and rounds. */
    public List<Record> play() {
        rounds.play(dialer -> turn(dialer, plan.warmUpMillis()), this::turn);
        return rounds.records();
    }

    private Sample turn(DialerProcess dialer, long millis) {
        dialer.dial(listener.port(), SETTLE_MILLIS);
        Meter meter = Meter.start(dialer, cores, listener.pid());
        Done done = dialer.dial(listener.port(), millis);
        return Sample.of(done, meter.stop());
    }

    @Override
    public void close() {
        rounds.close();
        listener.close();
    }
}
