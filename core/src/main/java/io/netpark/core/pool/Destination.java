package io.netpark.core.pool;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What a pool knows of one address. All of it is guarded by the pool's lock. */
final class Destination {

    final SocketAddress address;
    private final Clock clock;
    /** The one used last is at the end, and is lent first: the others may become idle for long, and go. */
    final ArrayDeque<Member> idle = new ArrayDeque<>();
    /** In the order in which they came. */
    final LinkedHashSet<Borrow> waiting = new LinkedHashSet<>();
    /** New, lent and idle, and those that are being closed. */
    int open;
    /** Of those that are open, the ones that borrowers have, or had when it began to be closed. */
    int lent;
    int dialing;
    /** Of those that are open, the ones of which it has not been decided yet who gets them. */
    int arriving;
    /** Of those that are open, the idle ones that something has come to, and that are being looked at. Most are idle again at once. */
    private int noticed;

    // Failing

    int failures;
    /** Before this instant nothing is dialed; meaningful while there are {@link #failures}. */
    long retryNanos;
    @Nullable NetparkException lastFailure;
    /** A timer is armed, or about to be, for {@link #retryNanos}. */
    boolean retryPlanned;
    /** That timer, or the one that forgets the episode. */
    @Nullable Timer retry;

    Destination(SocketAddress address, Clock clock) {
        this.address = address;
        this.clock = clock;
    }

    int count() {
        return open + dialing;
    }

    /** How many more are on their way to those who wait. */
    int coming() {
        return dialing + arriving;
    }

    /** How many are idle, or about to be. */
    int ready() {
        return idle.size() + noticed + coming();
    }

    /** Something has come to an idle connection. It is taken until it is known what. */
    void notice(Member member) {
        change(member, Member.State.TAKEN);
        idle.remove(member);
        member.isNoticed = true;
        noticed++;
    }

    /** A connection is about to be of this state; all changes of states go through here. */
    void change(Member member, Member.State state) {
        if (member.state == Member.State.NEW) {
            arriving--;
        }
        if (member.isNoticed) {
            member.isNoticed = false;
            noticed--;
        }
        member.state = state;
        if (state != Member.State.GONE) {
            lend(member, state == Member.State.LENT);
        }
    }

    /** It is closed. */
    void left(Member member) {
        lend(member, false);
        open--;
    }

    private void lend(Member member, boolean now) {
        if (member.isLent != now) {
            member.isLent = now;
            lent += now ? 1 : -1;
        }
    }

    /** The turn of the first of those who wait; there is one. */
    long firstTurn() {
        return waiting.iterator().next().turn;
    }

    /** Whether there is nothing to be remembered of it. */
    boolean isUnused() {
        return count() == 0 && waiting.isEmpty() && failures == 0;
    }

    /** An attempt to connect has failed; returns whether that begins an episode. */
    boolean failed(NetparkException cause, PoolOptions options) {
        long pause = failures < 20 && options.firstBackOffNanos <= options.lastBackOffNanos >> failures
                ? options.firstBackOffNanos << failures : options.lastBackOffNanos;
        retryNanos = clock.after(pause - clock.draw(1 + pause / 10));
        lastFailure = cause;
        return failures++ == 0;
    }

    void recovered() {
        failures = 0;
        lastFailure = null;
    }

    boolean isPausing() {
        return failures > 0 && retryNanos - clock.nanoTime() > 0;
    }

    /** For those who come during the pause. */
    NetparkException failing() {
        NetparkException last = Objects.requireNonNull(lastFailure);
        NetparkException failing = NetparkException.like(last, "borrow a connection to " + this
                + ": connecting has failed, and will be tried again in "
                + Math.max(1, TimeUnit.NANOSECONDS.toMillis(retryNanos - clock.nanoTime())) + " ms; it said: "
                + last.getMessage());
        failing.initCause(last);
        return failing;
    }

    @Override
    public String toString() {
        return AddressText.of(address);
    }
}
