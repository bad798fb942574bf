package io.netpark.core.inspection;

import io.netpark.core.poll.Pollable;
import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.GroupConnections;
import io.netpark.core.report.GroupHealth;
import io.netpark.core.report.GroupHealth.ListenerHealth;
import io.netpark.core.report.GroupHealth.LoopHealth;
import io.netpark.core.sys.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Asks the loops of a group, all at once, and waits for their answers. Any thread but theirs. */
public final class Inspector {

    /** A loop that did not answer: how many actions it had begun, and when that was first seen. */
    private record Held(long actions, long since) {}

    private final Clock clock;
    /** Guarded by itself. */
    private final Map<String, Held> held = new HashMap<>();

    /** @param clock that of the loops */
    public Inspector(Clock clock) {
        this.clock = clock;
    }

    /**
     * The connections of these loops.
     *
     * @param nanos how long they may take
     */
    public GroupConnections connections(List<Subject> loops, long nanos) {
        long until = clock.after(nanos);
        List<Walk<Supplier<ConnectionSnapshot>>> walks = walks(loops, Inspector::connection);
        List<ConnectionSnapshot> connections = new ArrayList<>();
        List<String> silent = new ArrayList<>();
        for (int i = 0; i < walks.size(); i++) {
            if (!walks.get(i).await(until)) {
                silent.add(loops.get(i).name());
            }
            for (Supplier<ConnectionSnapshot> rest : walks.get(i).found()) {
                connections.add(rest.get());
            }
        }
        return new GroupConnections(connections, silent);
    }

    private static @Nullable Supplier<ConnectionSnapshot> connection(Pollable pollable) {
        return pollable instanceof ConnectionSnapshot.Source source ? source.look() : null;
    }

    /**
     * Whether these loops turn.
     *
     * @param failure of one that has ended; null if there is none
     * @param nanos how long they may take
     */
    public GroupHealth health(List<Subject> loops, @Nullable Throwable failure, long nanos) {
        long asked = clock.nanoTime();
        long until = clock.after(nanos);
        List<Long> actions = loops.stream().map(loop -> loop.actions().getAsLong()).toList();
        List<Walk<ListenerHealth>> walks = walks(loops, Inspector::listener);
        List<LoopHealth> health = new ArrayList<>();
        List<ListenerHealth> listeners = new ArrayList<>();
        for (int i = 0; i < walks.size(); i++) {
            Walk<ListenerHealth> walk = walks.get(i);
            walk.await(until);
            boolean answers = walk.waitedNanos() >= 0;
            long sinceTurn = answers ? walk.waitedNanos() : clock.nanoTime() - heldSince(loops.get(i), actions.get(i), asked);
            LoopHealth loop = loops.get(i).health().of(answers, sinceTurn);
            if (!(walk.isRefused() && loop.retiring())) { // one that the group has given up, and that has ended since it was asked for
                health.add(loop);
            }
            listeners.addAll(walk.found());
        }
        return new GroupHealth(health, listeners, OpenFiles.open(), OpenFiles.most(), failure);
    }

    private static @Nullable ListenerHealth listener(Pollable pollable) {
        return pollable instanceof ListenerHealth.Source source ? source.health() : null;
    }

    /** Since when it is known to be at the same piece of code. */
    private long heldSince(Subject loop, long actions, long asked) {
        synchronized (held) {
            Held before = held.get(loop.name());
            if (before == null || before.actions != actions) {
                before = new Held(actions, asked);
                held.put(loop.name(), before);
            }
            return before.since;
        }
    }

    private <T> List<Walk<T>> walks(List<Subject> loops, Function<Pollable, @Nullable T> look) {
        List<Walk<T>> walks = new ArrayList<>();
        for (Subject loop : loops) {
            walks.add(new Walk<T>(loop.poller(), loop.walks(), look, clock).start());
        }
        return walks;
    }
}
