package io.netpark.core.loop;

import io.netpark.core.counting.Totals;
import io.netpark.core.report.GroupSnapshot;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The loops of a group, whose number may change, and what is left of those that have ended. Any thread.
 *
 * <pre>
 *   started --> active --resize() to fewer--> retiring --its last descriptor, task and timer has gone--> ended, forgotten
 * </pre>
 *
 * After {@link #close} no loop is started any more.
 */
final class Roster {

    /** Makes the loop with a number. */
    @FunctionalInterface
    interface Starter {
        EventLoop start(int number) throws NetparkException;
    }

    private final Starter starter;
    /** Null without metrics. */
    private final @Nullable Totals totals;
    /** The loops that get new descriptors. Replaced under the lock of this, which guards all that is not volatile. */
    private volatile List<EventLoop> active = List.of();
    private volatile boolean closed;
    private final List<EventLoop> retiring = new ArrayList<>();
    private int started;
    /** The first failure of a loop. */
    private @Nullable Throwable lost;

    Roster(Starter starter, @Nullable Totals totals) {
        this.starter = starter;
        this.totals = totals;
    }

    /** The loops that get new descriptors, by their numbers. The list never changes; a resized group has another. */
    List<EventLoop> active() {
        return active;
    }

    /** As {@link EventLoopGroup#resize}. */
    synchronized void resize(int count) throws NetparkException {
        if (closed) {
            throw new IllegalStateException("resize " + active + " to " + count + " loops: the group is closed");
        }
        List<EventLoop> before = active;
        forgetTerminated();
        if (count > before.size()) {
            active = start(before, count);
        } else if (count < before.size()) {
            active = List.copyOf(before.subList(0, count));
            List<EventLoop> tooMany = before.subList(count, before.size());
            retiring.addAll(tooMany);
            tooMany.forEach(EventLoop::retire);
        }
    }

    private List<EventLoop> start(List<EventLoop> before, int count) throws NetparkException {
        List<EventLoop> all = new ArrayList<>(before);
        try {
            while (all.size() < count) {
                all.add(starter.start(started++));
            }
        } catch (NetparkException | RuntimeException | Error e) {
            all.subList(before.size(), all.size()).forEach(EventLoop::close);
            throw e;
        }
        return List.copyOf(all);
    }

    /** The loops that {@link #resize} has given up and that have not ended. */
    synchronized List<EventLoop> retiring() {
        forgetTerminated();
        return List.copyOf(retiring);
    }

    private void forgetTerminated() {
        retiring.removeIf(loop -> {
            boolean terminated = loop.isTerminated(); // once: it may end meanwhile
            if (terminated && lost == null) {
                lost = loop.failure();
            }
            LoopSnapshot last = terminated ? loop.snapshot() : null;
            if (last != null && totals != null) {
                totals.ended(last);
            }
            return terminated;
        });
    }

    /** The loops that have not ended, or were never given up. */
    synchronized List<EventLoop> all() {
        List<EventLoop> all = new ArrayList<>(active);
        all.addAll(retiring());
        return all;
    }

    /** Starts no loop from now on. Returns all there are. */
    List<EventLoop> close() {
        closed = true;
        return all();
    }

    boolean isClosed() {
        return closed;
    }

    /** @throws IllegalStateException without metrics */
    synchronized GroupSnapshot snapshot() {
        if (totals == null) {
            throw new IllegalStateException("this group counts nothing; build it with metrics(true)");
        }
        List<LoopSnapshot> each = new ArrayList<>();
        for (EventLoop loop : all()) {
            each.add(Objects.requireNonNull(loop.snapshot()));
        }
        return totals.with(each);
    }

    /** Why a loop has ended, or is about to, though nobody has closed it; null if that is not so. */
    synchronized @Nullable Throwable failure() {
        for (EventLoop loop : all()) {
            if (lost == null) {
                lost = loop.failure();
            }
        }
        return lost;
    }
}
