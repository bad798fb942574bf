package io.netpark.bench.run;

import io.netpark.bench.run.LoadProcess.Done;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Dialers against each other, by rounds as in a {@link Match}: each has its turn while the others sleep. */
public final class DialMatch implements Closeable {

    private static final long SETTLE_MILLIS = 100;

    private final Plan plan;
    private final Cores cores;
    private final Progress progress;
    private final ListenerProcess listener;
    private final Map<Contender, DialerProcess> dialers = new EnumMap<>(Contender.class);
    private final Map<Contender, Record> records = new EnumMap<>(Contender.class);

    /** Starts the listener and all the dialers. */
    public DialMatch(Plan plan, Cores cores, Progress progress) {
        this.plan = plan;
        this.cores = cores;
        this.progress = progress;
        this.listener = new ListenerProcess(cores);
        for (Contender contender : plan.contenders()) {
            records.put(contender, new Record(contender));
            dialers.put(contender, new DialerProcess(contender, cores));
        }
    }

    /** Plays it: warm-up and rounds. */
    public List<Record> play() {
        progress.say("dial: warm-up");
        turns(plan.contenders(), contender -> turn(contender, plan.warmUpMillis()));
        List<Contender> order = new ArrayList<>(plan.contenders());
        for (int round = 1; round <= plan.rounds(); round++) {
            progress.say("dial: round " + round + " of " + plan.rounds());
            turns(order, contender -> records.get(contender).add(turn(contender, plan.roundMillis())));
            Collections.rotate(order, 1 + order.size() / 2);
        }
        return List.copyOf(records.values());
    }

    private void turns(List<Contender> order, Consumer<Contender> turn) {
        for (Contender contender : order) {
            if (dialers.containsKey(contender)) {
                try {
                    turn.accept(contender);
                } catch (BenchFailure e) {
                    progress.say("dial: " + contender.label() + " drops out: " + e.getMessage());
                    records.get(contender).fail(e.getMessage());
                    dialers.remove(contender).close();
                }
            }
        }
    }

    private Sample turn(Contender contender, long millis) {
        DialerProcess dialer = dialers.get(contender);
        dialer.dial(listener.port(), SETTLE_MILLIS);
        long allocated = dialer.allocated();
        long cpu = CpuClock.nanos(dialer.pid());
        long listenerCpu = CpuClock.nanos(listener.pid());
        long busy = CoreClock.busy(cores.server());
        Done done = dialer.dial(listener.port(), millis);
        listenerCpu = CpuClock.nanos(listener.pid()) - listenerCpu;
        busy = CoreClock.busy(cores.server()) - busy;
        cpu = CpuClock.nanos(dialer.pid()) - cpu;
        allocated = dialer.allocated() - allocated;
        return new Sample(done.requests(), 0, done.nanos(), cpu, listenerCpu, Math.max(0, busy - cpu),
                Memory.resident(dialer.pid()), allocated, done.latencies());
    }

    @Override
    public void close() {
        dialers.values().forEach(DialerProcess::close);
        listener.close();
    }
}
