package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Dialer;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Makes the connections that are wanted, as far as the limits go; where that fails, it tries again after a pause. */
final class Supply {

    /** A destination that failed, and that nobody has wanted since, is remembered for so long: then the episode is over. */
    private static final long EPISODE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Pool pool;
    private final Ledger ledger;
    private final PoolOptions options;
    private final EventLoop loop;
    private final Dialer dialer;
    /** Somebody is in {@link #goOn}, and looks once more before it leaves. Guarded by the ledger. */
    private boolean goingOn;

    Supply(Pool pool, Ledger ledger, PoolOptions options, EventLoop loop, Dialer dialer) {
        this.pool = pool;
        this.ledger = ledger;
        this.options = options;
        this.loop = loop;
        this.dialer = dialer;
    }

    void connected(Dialing dialing, Connection connection) {
        Destination destination = dialing.destination;
        Member member = new Member(pool, destination, connection, end());
        boolean again;
        synchronized (ledger) {
            ledger.dials.remove(dialing);
            destination.dialing--;
            again = destination.failures > 0;
            destination.recovered();
            destination.open++;
            destination.arriving++;
            ledger.members.add(member);
            ledger.tally.created++;
        }
        pool.settle(member, member.watch());
        if (again) {
            goOn(); // the others need not wait for the end of a pause any more
        }
    }

    void failed(Dialing dialing, NetparkException cause) {
        Destination destination = dialing.destination;
        List<Borrow> told = new ArrayList<>();
        boolean first;
        boolean last;
        boolean plan;
        synchronized (ledger) {
            ledger.dials.remove(dialing);
            destination.dialing--;
            ledger.tally.dialFailures++;
            first = destination.failed(cause, options) && !ledger.draining;
            if (options.failFast) {
                told.addAll(destination.waiting);
                told.forEach(ledger::answer);
            }
            plan = !destination.retryPlanned && !ledger.draining;
            destination.retryPlanned |= plan;
            last = ledger.isDrained();
        }
        if (plan) {
            planRetry(destination);
        }
        if (first) {
            loop.report("Connections to " + destination + " cannot be had for the pool, which goes on trying", cause);
        }
        for (Borrow borrow : told) {
            borrow.disarm();
            pool.tell(borrow.borrower, cause);
        }
        if (last) {
            pool.drained();
        } else {
            goOn();
        }
    }

    /** Dials what is wanted and allowed, if somebody else is not at it. Without the lock. */
    void goOn() {
        synchronized (ledger) {
            if (goingOn) { // on another thread, or this one: a dial that fails at once must not nest
                return;
            }
            goingOn = true;
        }
        try {
            while (dialNext()) {
                // What has been dialed may have failed already.
            }
        } catch (Throwable e) {
            synchronized (ledger) {
                goingOn = false;
            }
            throw e;
        }
    }

    /** Returns false if there is nothing to dial, and then going on has ended. */
    private boolean dialNext() {
        Dialing dialing = null;
        Member room = null;
        List<Destination> retries;
        synchronized (ledger) {
            Destination wanting = ledger.draining ? null : ledger.wanting();
            if (wanting != null && ledger.total() >= options.most) {
                room = ledger.longestIdle(wanting);
                if (room == null) {
                    wanting = null;
                } else {
                    room.destination.change(room, Member.State.LENT);
                    room.destination.idle.remove(room);
                }
            }
            if (wanting != null) {
                dialing = new Dialing(this, wanting);
                wanting.dialing++;
                ledger.dials.add(dialing);
            } else {
                goingOn = false;
            }
            retries = ledger.retriesToPlan.isEmpty() ? List.of() : List.copyOf(ledger.retriesToPlan);
            ledger.retriesToPlan.clear();
        }
        retries.forEach(this::planRetry);
        if (room != null) {
            pool.retire(room, Eviction.ROOM);
        }
        if (dialing == null) {
            return false;
        }
        dialing.start(dialer);
        boolean late;
        synchronized (ledger) {
            late = ledger.draining; // drain() has not seen it, perhaps
        }
        if (late) {
            dialing.cancel();
        }
        return true;
    }

    /** Without the lock, as arming a timer may run tasks of a loop that ends. */
    private void planRetry(Destination destination) {
        loop.newTimer(() -> retryIsDue(destination)).arm(destination.retryNanos);
    }

    /** On the loop: the pause of a destination is over. If nobody wants it any more it is forgotten after a while. */
    private void retryIsDue(Destination destination) {
        boolean forget;
        synchronized (ledger) {
            destination.retryPlanned = false;
            forget = destination.failures > 0 && destination.waiting.isEmpty() && destination.count() == 0
                    && options.fewestIdle == 0;
            if (forget && System.nanoTime() - destination.retryNanos >= EPISODE_NANOS) {
                destination.recovered();
                ledger.forgetIfUnused(destination);
                return;
            }
        }
        if (forget) {
            loop.newTimer(() -> retryIsDue(destination)).arm(destination.retryNanos + EPISODE_NANOS);
        } else {
            goOn();
        }
    }

    /** When a connection made now is too old, as a nanoTime. */
    private long end() {
        if (options.lifetimeNanos == 0) {
            return Due.in(Due.FOREVER);
        }
        return Due.in(options.lifetimeNanos - ThreadLocalRandom.current().nextLong(1 + options.lifetimeNanos / 10));
    }
}
