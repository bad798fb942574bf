package io.netpark.simulation.network;

import io.netpark.core.sys.Clock;
import io.netpark.simulation.link.LinkConditions;
import java.util.concurrent.TimeUnit;

/** What is between two hosts. With the lock of the timeline. */
public final class Link {

    /** One in so many is what the shares of losses are counted in. */
    private static final int PARTS = 1_000_000;
    private static final long NANOS_A_SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Clock clock;
    private LinkConditions conditions = LinkConditions.IDEAL;
    private boolean isCut;
    private int synsToDrop;
    /** Until when each direction is busy with what has left. */
    private final long[] busyUntil;

    Link(Clock clock) {
        this.clock = clock;
        this.busyUntil = new long[] {clock.nanoTime(), clock.nanoTime()};
    }

    public void setConditions(LinkConditions conditions) {
        this.conditions = conditions;
    }

    /** Nothing comes through any more, or everything does again. */
    public void cut(boolean isCut) {
        this.isCut = isCut;
    }

    public boolean isCut() {
        return isCut;
    }

    /** So many SYNs from now on get lost. */
    public void dropSyns(int count) {
        synsToDrop = count;
    }

    /** Whether a SYN that is sent now gets lost. */
    public boolean losesSyn() {
        if (synsToDrop > 0) {
            synsToDrop--;
            return true;
        }
        return isCut;
    }

    /** Whether a datagram that is sent now gets lost. */
    public boolean losesDatagram() {
        return isCut || conditions.datagramLoss() > 0 && clock.draw(PARTS) < conditions.datagramLoss() * PARTS;
    }

    /**
     * When that arrives which is sent now.
     *
     * @param direction 0 or 1
     */
    long arrival(int direction, int bytes) {
        long now = clock.nanoTime();
        long leaves = busyUntil[direction] - now > 0 ? busyUntil[direction] : now;
        if (conditions.bytesPerSecond() < Long.MAX_VALUE) {
            leaves += (long) ((double) bytes * NANOS_A_SECOND / conditions.bytesPerSecond());
        }
        busyUntil[direction] = leaves;
        long jitter = conditions.jitter().toNanos();
        return leaves + conditions.latency().toNanos() + (jitter > 0 ? clock.draw(jitter + 1) : 0);
    }
}
