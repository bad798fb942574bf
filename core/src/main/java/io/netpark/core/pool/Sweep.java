package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Finds idle connections that have been so for too long, or are too old. One timer, armed for the first of them; nothing is
 * armed while none is idle. Arming a timer may run tasks of a loop that ends, so it is done without the pool's lock.
 */
final class Sweep {

    private static final long NONE = Long.MIN_VALUE;

    private final EventLoop loop;
    private final PoolOptions options;
    private final Timer timer;
    /** When the timer is due, as an instant; {@link #NONE} if it is not armed. Guarded by this. */
    private long dueNanos = NONE;

    /** @param action runs when it is time; to call {@link #findOver} */
    Sweep(EventLoop loop, PoolOptions options, Runnable action) {
        this.loop = loop;
        this.options = options;
        this.timer = loop.newTimer(action);
    }

    /** For one that has become idle. Without the pool's lock. */
    void plan(Member member) {
        if (planAt(end(member))) {
            arm();
        }
    }

    private long end(Member member) {
        long idleEnd = idleEnd(member);
        return idleEnd - member.endNanos < 0 ? idleEnd : member.endNanos;
    }

    private long idleEnd(Member member) {
        return Due.after(member.idleSince, options.idleNanos);
    }

    /** Whether the timer has to be armed. */
    private synchronized boolean planAt(long due) {
        if (dueNanos != NONE && due - dueNanos >= 0) {
            return false;
        }
        dueNanos = due == NONE ? due + 1 : due;
        return true;
    }

    /** Has the timer armed for what has been planned, on the loop. Without the pool's lock. */
    void arm() {
        if (loop.inLoop()) {
            armAsPlanned();
            return;
        }
        try {
            loop.tryExecute(this::armAsPlanned);
        } catch (Throwable e) { // no memory
            forget();
            throw e;
        }
    }

    /** On the loop, which alone moves the timer: what is planned by then is never undone by what was planned before. */
    private void armAsPlanned() {
        long due;
        synchronized (this) {
            due = dueNanos;
        }
        if (due != NONE) {
            try {
                timer.arm(due);
            } catch (Throwable e) { // no memory
                forget();
                throw e;
            }
        }
    }

    /** The next that is planned arms the timer. */
    private synchronized void forget() {
        dueNanos = NONE;
    }

    /**
     * Those whose time is over, no longer idle, the ones that are too old among them; and plans the next time, for which the
     * timer is to be {@linkplain #arm armed}. With the pool's lock.
     */
    List<Member> findOver(Collection<Destination> destinations) {
        synchronized (this) {
            dueNanos = NONE;
        }
        long now = loop.clock().nanoTime();
        List<Member> over = new ArrayList<>();
        for (Destination destination : destinations) {
            int left = destination.idle.size();
            for (Member member : List.copyOf(destination.idle)) { // those that are idle for longest first
                boolean unused = idleEnd(member) - now <= 0;
                if (member.isOld(now) || unused && left > options.minIdle) {
                    over.add(member); // what may need memory comes first
                    left--;
                    destination.idle.remove(member);
                    member.destination.change(member, Member.State.TAKEN);
                } else if (unused) { // one of the fewest: until it is old
                    planAt(member.endNanos);
                } else {
                    planAt(end(member));
                }
            }
        }
        return over;
    }

    void stop() {
        timer.disarm();
    }
}
