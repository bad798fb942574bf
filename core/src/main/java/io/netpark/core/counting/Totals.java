package io.netpark.core.counting;

import io.netpark.core.report.Dials;
import io.netpark.core.report.Durations;
import io.netpark.core.report.GroupSnapshot;
import io.netpark.core.report.Handshakes;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.report.PeerFaults;
import java.util.List;

/** The sums of a group of event loops: of those that are there, and of those that have ended. NOT thread safe. */
public final class Totals {

    /** What loops had counted when they ended. */
    private LoopSnapshot departed;

    /** @param name of the group */
    public Totals(String name) {
        this.departed = new LoopSnapshot(name, 0, 0, 0, 0, 0, 0, PeerFaults.NONE, 0, Handshakes.NONE,
                Dials.NONE, Durations.NONE, Durations.NONE, 0, 0, 0, 0, 0, 0, 0, Durations.NONE, 0, Durations.NONE, Durations.NONE, 0, 0);
    }

    /** A loop has ended: what it counted over time stays in the sums, and what was "now" is nothing. */
    public void ended(LoopSnapshot last) {
        departed = sum(departed, new LoopSnapshot(last.name(), 0, last.connectionsEver(), last.bytesIn(), last.bytesOut(),
                last.bytesDropped(), last.refused(), last.peerFaults(), last.handlerFailures(), last.handshakes(), last.dials(), last.lookUps(),
                last.lives(), last.acceptPauses(), 0, 0, 0, last.tasks(), 0, last.wakeups(), last.turns(), last.events(), last.delays(), last.runs(),
                last.zeroCopySends(), last.zeroCopyCopied()));
    }

    /** The group, whose loops now are these. */
    public GroupSnapshot with(List<LoopSnapshot> loops) {
        LoopSnapshot total = departed;
        for (LoopSnapshot loop : loops) {
            total = sum(total, loop);
        }
        return new GroupSnapshot(List.copyOf(loops), total);
    }

    private static LoopSnapshot sum(LoopSnapshot one, LoopSnapshot other) {
        return new LoopSnapshot(one.name(), one.connections() + other.connections(),
                one.connectionsEver() + other.connectionsEver(), one.bytesIn() + other.bytesIn(),
                one.bytesOut() + other.bytesOut(), one.bytesDropped() + other.bytesDropped(), one.refused() + other.refused(),
                one.peerFaults().and(other.peerFaults()), one.handlerFailures() + other.handlerFailures(),
                one.handshakes().and(other.handshakes()), one.dials().and(other.dials()),
                one.lookUps().and(other.lookUps()), one.lives().and(other.lives()), one.acceptPauses() + other.acceptPauses(),
                one.descriptors() + other.descriptors(), one.parked() + other.parked(),
                one.pendingTasks() + other.pendingTasks(), one.tasks() + other.tasks(),
                one.pendingTimers() + other.pendingTimers(), one.wakeups() + other.wakeups(), one.turns().and(other.turns()),
                one.events() + other.events(), one.delays().and(other.delays()), one.runs().and(other.runs()),
                one.zeroCopySends() + other.zeroCopySends(), one.zeroCopyCopied() + other.zeroCopyCopied());
    }
}
