package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Makes the connections that are wanted, as far as the limits go; where that fails, it tries again after a pause. */
final class Supply {

    /** A destination that failed, and that nobody has wanted since, is remembered for so long: then the episode is over. */
    private static final long EPISODE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Stock stock;
    private final Waiting waiting;
    private final Ledger ledger;
    private final PoolOptions options;
    private final EventLoop loop;
    private final Clock clock;
    private final Dialer dialer;
    /** Somebody is in {@link #goOn}, and looks once more before it leaves. Guarded by the ledger. */
    private boolean goingOn;

    Supply(Stock stock, Waiting waiting, Ledger ledger, PoolOptions options, EventLoop loop, Dialer dialer) {
        this.stock = stock;
        this.waiting = waiting;
        this.ledger = ledger;
        this.options = options;
        this.loop = loop;
        this.clock = loop.clock();
        this.dialer = dialer;
    }

    void connected(Dialing dialing, ConnectionDescriptor connection) {
        Member member;
        boolean again;
        try {
            member = new Member(stock, dialing.destination, connection, end());
            synchronized (ledger) {
                again = dialing.destination.failures > 0;
                if (!ledger.arrived(dialing, member)) {
                    member = null;
                }
            }
        } catch (Throwable e) {
            connection.close();
            threw(dialing, e);
            return;
        }
        if (member == null) {
            connection.close(); // of a dial that has failed, or been given up
            return;
        }
        stock.arrived(member);
        if (again) {
            goOn(); // the others need not wait for the end of a pause any more
        }
    }

    /** Dialing threw something that no dial should: a balancing of the user's, or there was no memory. */
    private void threw(Dialing dialing, Throwable e) {
        NetparkException cause = new NetparkException.Unreachable("connect to " + dialing.destination + ": dialing threw " + e);
        cause.initCause(e);
        failed(dialing, cause);
    }

    void failed(Dialing dialing, NetparkException cause) {
        Destination destination = dialing.destination;
        List<Borrow> told = List.of();
        boolean first;
        boolean last;
        boolean plan;
        synchronized (ledger) {
            if (!ledger.ended(dialing)) {
                return;
            }
            ledger.tally.dialFailures++;
            first = destination.failed(cause, options) && !ledger.draining;
            plan = !destination.retryPlanned && !ledger.draining;
            destination.retryPlanned |= plan;
            last = ledger.isAllClosed();
            if (options.failFast) {
                told = List.copyOf(destination.waiting);
                told.forEach(ledger::answer);
            }
        }
        if (plan) {
            planRetry(destination);
        }
        if (first) {
            loop.report("Connections to " + destination + " cannot be had for the pool, which goes on trying", cause);
        }
        for (Borrow borrow : told) {
            waiting.disarm(borrow);
            waiting.tell(borrow.borrower, cause);
        }
        if (last) {
            stock.tellAllClosed();
        } else {
            goOn();
        }
    }

    /** Dials what is wanted and allowed, if somebody else is not at it. Without the lock. Throws nothing. */
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
            loop.report("A pool could not go on dialing", e);
        }
    }

    /** Returns false if there is nothing to dial, and then going on has ended. */
    private boolean dialNext() {
        Dialing dialing = null;
        Member room = null;
        synchronized (ledger) {
            Destination wanting = ledger.draining ? null : ledger.wanting();
            if (wanting != null && ledger.total() < options.maxConnections) {
                dialing = ledger.dials(this, wanting);
            } else if (wanting != null && !ledger.isMakingRoom()) { // or whoever makes it comes here afterwards
                room = ledger.longestIdle(wanting);
            }
            if (room != null) {
                room.destination.idle.remove(room);
                ledger.leaves(room);
            }
            goingOn = dialing != null || room != null;
        }
        planRetries();
        if (room != null) {
            stock.closeIdle(room, Eviction.ROOM); // first: there are never more than are allowed
        } else if (dialing != null) {
            dial(dialing);
        }
        return dialing != null || room != null;
    }

    private void dial(Dialing dialing) {
        try {
            dialing.start(dialer);
        } catch (Throwable e) {
            threw(dialing, e);
            return;
        }
        boolean late;
        synchronized (ledger) {
            late = ledger.draining; // drain() has not seen it, perhaps
        }
        if (late) {
            dialing.cancel();
        }
    }

    private void planRetries() {
        while (true) {
            Destination next;
            synchronized (ledger) {
                next = ledger.nextRetryToPlan();
            }
            if (next == null) {
                return;
            }
            planRetry(next);
        }
    }

    /** Without the lock, as arming a timer may run tasks of a loop that ends. */
    private void planRetry(Destination destination) {
        try {
            arm(destination, destination.retryNanos);
        } catch (Throwable e) {
            synchronized (ledger) {
                destination.retryPlanned = false; // whoever wants a connection next plans it again
            }
            loop.report("Connecting to " + destination + " again could not be planned", e);
        }
    }

    private void arm(Destination destination, long dueNanos) {
        Timer timer = loop.newTimer(() -> retryIsDue(destination));
        boolean late;
        synchronized (ledger) {
            destination.retry = timer;
            late = ledger.draining; // drain() has not seen it, perhaps
        }
        if (!late) {
            timer.arm(dueNanos);
        }
    }

    /** On the loop: the pause of a destination is over. If nobody wants it any more it is forgotten after a while. */
    private void retryIsDue(Destination destination) {
        boolean forget;
        synchronized (ledger) {
            destination.retryPlanned = false;
            destination.retry = null;
            forget = destination.failures > 0 && destination.waiting.isEmpty() && destination.count() == 0
                    && options.minIdle == 0;
            if (forget && clock.nanoTime() - destination.retryNanos >= EPISODE_NANOS) {
                destination.recovered();
                ledger.forgetIfUnused(destination);
                return;
            }
        }
        if (forget) {
            arm(destination, destination.retryNanos + EPISODE_NANOS);
        } else {
            goOn();
        }
    }

    /** When a connection made now is too old, as an instant. */
    private long end() {
        return clock.after(options.lifetimeNanos - clock.draw(1 + options.lifetimeNanos / 10));
    }
}
