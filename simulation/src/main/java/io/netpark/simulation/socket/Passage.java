package io.netpark.simulation.socket;

import io.netpark.core.sys.Clock;
import io.netpark.simulation.network.Lane;
import io.netpark.simulation.schedule.Timeline;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a connection of TCP: what is sent arrives later, in its order. While the link is cut it is sent again and again, after
 * twice the time each time, until that is in vain (tcp_retries2 of tcp(7)). Inside of a host it arrives at once.
 */
final class Passage {

    private static final int RETRIES = 15;
    /** TCP_RTO_MIN and TCP_RTO_MAX. */
    private static final long FIRST_RETRY = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long LONGEST_RETRY = TimeUnit.SECONDS.toNanos(120);

    /**
     * What is sent.
     *
     * @param inVain what becomes of it when it has been sent often enough without arriving; null is that this end cannot reach its peer
     */
    private record Item(long arrival, Runnable arrives, @Nullable Runnable inVain) {}

    private final Timeline timeline;
    private final @Nullable Lane lane;
    private final Runnable broken;
    private final Deque<Item> underWay = new ArrayDeque<>();
    private long last;
    private int tries;

    /**
     * @param lane null inside of a host
     * @param broken the peer cannot be reached
     */
    Passage(Timeline timeline, @Nullable Lane lane, Runnable broken) {
        this.timeline = timeline;
        this.lane = lane;
        this.broken = broken;
        this.last = timeline.clock().nanoTime();
    }

    /** Sends data, or something else that this end waits to have answered. */
    void carry(int bytes, Runnable arrives) {
        carry(bytes, arrives, null);
    }

    /** Sends an answer. Who sends data again and again for want of it is the peer: this end does not know that it was lost. */
    void answer(Runnable arrives, Runnable inVain) {
        carry(0, arrives, inVain);
    }

    private void carry(int bytes, Runnable arrives, @Nullable Runnable inVain) {
        if (lane == null) {
            arrives.run();
            return;
        }
        long arrival = lane.arrival(bytes);
        if (arrival - last > 0) {
            last = arrival;
        }
        underWay.add(new Item(last, arrives, inVain));
        if (underWay.size() == 1) {
            expect();
        }
    }

    private void expect() {
        Item first = underWay.peek();
        if (first != null) {
            timeline.at(first.arrival, this::arrive);
        }
    }

    private void arrive() {
        if (lane != null && lane.link().isCut()) {
            retry();
            return;
        }
        tries = 0;
        Item first = underWay.remove();
        expect();
        first.arrives.run();
    }

    private void retry() {
        if (tries > RETRIES) {
            List<Item> lost = List.copyOf(underWay);
            underWay.clear();
            tries = 0;
            for (Item item : lost) {
                (item.inVain == null ? broken : item.inVain).run();
            }
            return;
        }
        Clock clock = timeline.clock();
        timeline.at(clock.after(Math.min(LONGEST_RETRY, FIRST_RETRY << tries++)), this::arrive);
    }
}
