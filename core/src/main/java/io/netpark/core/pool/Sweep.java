package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Finds idle connections that have been so for too long, or are too old. One timer, armed for the first of them; nothing is
 * armed while none is idle. All of it is guarded by the pool's lock.
 */
final class Sweep {

    private final PoolOptions options;
    private final Timer timer;
    private boolean armed;
    /** When the timer is due, as a nanoTime; meaningful while it is armed. */
    private long dueNanos;

    /** @param action runs when it is time; to call {@link #findOver} */
    Sweep(EventLoop loop, PoolOptions options, Runnable action) {
        this.options = options;
        this.timer = loop.newTimer(action);
    }

    /** For one that has become idle. */
    void plan(Member member) {
        long idleEnd = idleEnd(member);
        planAt(idleEnd - member.endNanos < 0 ? idleEnd : member.endNanos);
    }

    private long idleEnd(Member member) {
        return options.idleNanos == 0 ? member.endNanos : member.idleSince + options.idleNanos;
    }

    private void planAt(long due) {
        if (!armed || due - dueNanos < 0) {
            armed = true;
            dueNanos = due;
            timer.arm(due);
        }
    }

    /** Those whose time is over, no longer idle, the ones that are too old among them; and plans the next time. */
    List<Member> findOver(Collection<Destination> destinations) {
        armed = false;
        long now = System.nanoTime();
        List<Member> over = new ArrayList<>();
        for (Destination destination : destinations) {
            int left = destination.idle.size();
            for (Member member : List.copyOf(destination.idle)) { // those that are idle for longest first
                boolean unused = options.idleNanos > 0 && idleEnd(member) - now <= 0;
                if (member.isOld(now) || unused && left > options.fewestIdle) {
                    left--;
                    destination.idle.remove(member);
                    member.state = Member.State.LENT;
                    over.add(member);
                } else if (unused) { // one of the fewest: until it is old
                    planAt(member.endNanos);
                } else {
                    plan(member);
                }
            }
        }
        return over;
    }

    void stop() {
        timer.disarm();
    }
}
