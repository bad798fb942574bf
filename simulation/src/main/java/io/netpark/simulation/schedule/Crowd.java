package io.netpark.simulation.schedule;

import io.netpark.core.sys.Due;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Those that take part in a {@link Schedule}, in the order in which they came. With the lock of the {@link Baton}. */
final class Crowd {

    private final List<Participant> all = new ArrayList<>();
    private final Map<Thread, Participant> byThread = new HashMap<>();

    void add(Participant participant) {
        all.add(participant);
    }

    /** It runs on the calling thread. */
    void begins(Participant participant) {
        participant.thread = Thread.currentThread();
        byThread.put(participant.thread, participant);
        if (!all.contains(participant)) { // it was taken for one that never begins
            all.add(participant);
        }
    }

    void remove(Participant participant) {
        all.remove(participant);
        if (participant.thread != null) {
            byThread.remove(participant.thread);
        }
    }

    @Nullable Participant of(Thread thread) {
        return byThread.get(thread);
    }

    List<Participant> all(Predicate<Participant> which) {
        List<Participant> some = new ArrayList<>(all.size());
        for (Participant each : all) { // no stream: this is done before each call
            if (which.test(each)) {
                some.add(each);
            }
        }
        return some;
    }

    List<Participant> ready() {
        return all(each -> each.state == Participant.State.READY);
    }

    List<Participant> outside() {
        return all(each -> each.state == Participant.State.OUTSIDE);
    }

    /** How long it is until the first of those that sleep wakes by itself; {@link Due#FOREVER} if none does. */
    long nanosToFirst(long now) {
        long first = Due.FOREVER;
        for (Participant each : all) {
            first = Math.min(first, each.nanosToDue(now));
        }
        return first;
    }

    void wakeDue(long now) {
        for (Participant each : all) {
            if (each.nanosToDue(now) == 0) {
                each.state = Participant.State.READY;
            }
        }
    }

    /**
     * Tells one that waits for a condition that nothing can happen any more, and returns it; if there is none, interrupts those that wait
     * elsewhere.
     */
    @Nullable Participant tellStuck(long now) {
        return tell(StuckException.idle(report(all, each -> each.describe(now))));
    }

    /** As {@link #tellStuck}, of work without end. If none waits for a condition, whoever is in a run is told where it comes to. */
    void tellBusy(String what) {
        if (tell(what) == null) {
            ready().stream().filter(each -> each.isInRun).findFirst().ifPresent(each -> each.stuck = what);
        }
    }

    private @Nullable Participant tell(String what) {
        for (Participant each : all(Participant::isAsleepOnCondition)) {
            each.stuck = what;
            each.state = Participant.State.READY;
            return each;
        }
        for (Participant each : outside()) {
            if (each.interruptedWith == null && each.thread != null) {
                each.interruptedWith = what;
                each.thread.interrupt();
            }
        }
        return null;
    }

    /** The time has moved. */
    void forgetSteps() {
        all.forEach(each -> each.steps = 0);
    }

    /** Who has done what since the time moved, the busiest first. */
    String busyReport(long now) {
        List<Participant> busiest = all.stream().sorted(Comparator.comparingLong((Participant each) -> each.steps).reversed()).toList();
        return report(busiest, each -> each.name() + " took " + each.steps + " steps; " + each.describe(now));
    }

    private static String report(List<Participant> whom, Function<Participant, String> line) {
        StringBuilder report = new StringBuilder();
        for (Participant each : whom) {
            report.append(System.lineSeparator()).append("  ").append(line.apply(each));
        }
        return report.toString();
    }
}
