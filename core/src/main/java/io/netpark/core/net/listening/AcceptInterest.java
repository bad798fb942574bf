package io.netpark.core.net.listening;

import io.netpark.core.fd.Direction;
import io.netpark.core.loop.Timer;
import io.netpark.core.poll.Interest;
import io.netpark.core.report.Episode;
import io.netpark.core.report.GroupHealth.ListenerHealth;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Whether the poller tells of connections that wait to be accepted. It is told to only while somebody accepts: the registration is
 * level-triggered, and would keep the loop spinning. During a pause it is not told to, whoever accepts.
 *
 * <pre>
 *   watched --a connection waits, and nobody accepts--> unwatched --somebody accepts--> watched
 *   either --out of descriptors--> unwatched, paused until a timer runs --accepts again--> no pause
 *   either --no room---> unwatched, paused until there is room --a connection is closed--> no pause
 * </pre>
 *
 * Where the poller refuses a change the state is as before. What is to be watched is tried again by the timer, at growing intervals; what
 * is not, when the poller next tells of a connection.
 *
 * <p>Threads: any. Its monitor guards what follows. Nobody is told of anything under it: a reporter is user code.
 */
final class AcceptInterest {

    /**
     * While unwatched. A hang-up is reported whatever the interest: that of a socket that another holder has shut down by every wait,
     * without end. An edge is reported once.
     */
    private static final int UNWATCHED = Interest.NONE | Interest.EDGE;

    private static final long NONE = -1;

    private final ListeningSocket<?> socket;
    private final Timer retry;

    private boolean watched = true;
    /** Out of descriptors: the kernel is not asked before the pause of this episode is over. */
    private final Episode exhaustion = new Episode();
    /** No timer ends this pause: a connection that is closed does. */
    private boolean untilRoom;
    /** The poller has refused a change. */
    private final Episode refusal = new Episode();

    AcceptInterest(ListeningSocket<?> socket) {
        this.socket = socket;
        this.retry = socket.loop().newTimer(() -> socket.nudge(Direction.READ));
    }

    /** Nobody waits any more: what was wrong is over. */
    synchronized void endPause() {
        exhaustion.end();
        untilRoom = false;
    }

    /** A connection was accepted. Returns whether the poller will say so if more are waiting. */
    synchronized boolean accepted() {
        endPause();
        return watched;
    }

    /** Out of descriptors or memory. Returns whether that is news. */
    boolean pause() {
        retryAfter(upcomingPause()); // first, as there may be no memory for it: a pause without a timer would have no end
        boolean first;
        NetparkException refused;
        synchronized (this) {
            untilRoom = false;
            first = exhaustion.isOver();
            exhaustion.next();
            refused = unwatch(); // the waiting connection would be reported for ever
        }
        report(refused);
        return first;
    }

    private synchronized long upcomingPause() {
        return exhaustion.upcoming();
    }

    /** Without the monitor: at the very end of the loop tasks of others may run here. */
    private void retryAfter(long nanos) {
        retry.arm(socket.loop().clock().after(nanos));
    }

    /** As many connections as are allowed. */
    void pauseUntilRoom() {
        NetparkException refused;
        synchronized (this) {
            exhaustion.end();
            untilRoom = true;
            refused = unwatch();
        }
        report(refused);
    }

    synchronized void endPauseUntilRoom() {
        untilRoom = false;
    }

    /** Somebody accepts, and waits. */
    void watch() {
        long pause = NONE;
        NetparkException refused = null;
        synchronized (this) {
            if (!watched && !untilRoom && exhaustion.isOver()) { // during a pause it is the timer that wakes
                refused = set(Interest.READ);
                if (!watched) {
                    pause = refusal.upcoming();
                }
            }
        }
        if (pause != NONE) {
            retryAfter(pause);
        }
        report(refused);
    }

    /** A connection waits, and nobody accepted when the poller said so. */
    void unwatchUnlessAccepting() {
        NetparkException refused = null;
        synchronized (this) {
            // Another thread may have been woken, accepted and parked again meanwhile. Either it is seen here, or it comes to watch()
            // after this and finds the registration unwatched.
            if (!socket.isAccepting()) {
                refused = unwatch();
            }
        }
        report(refused);
    }

    /** As {@link #set}. */
    private @Nullable NetparkException unwatch() {
        return watched ? set(UNWATCHED) : null;
    }

    /** Has the poller change it. Returns why that is refused, if that is news. Under the monitor. */
    private @Nullable NetparkException set(int interest) {
        try {
            socket.setInterest(interest);
            watched = interest != UNWATCHED;
            refusal.end();
            return null;
        } catch (NetparkException e) { // ENOMEM
            boolean isNews = refusal.isOver();
            refusal.next();
            return isNews ? e : null;
        }
    }

    /** Without the monitor. */
    private void report(@Nullable NetparkException refused) {
        if (refused != null) {
            socket.loop().report("Accepting on " + AddressText.of(socket.localAddress()) + " may be late until this works again", refused);
        }
    }

    /** What the listener is at. */
    synchronized ListenerHealth.State state() {
        return !exhaustion.isOver() ? ListenerHealth.State.PAUSED
                : untilRoom ? ListenerHealth.State.FULL
                : watched && socket.isAccepting() ? ListenerHealth.State.ACCEPTING : ListenerHealth.State.UNWATCHED;
    }

    /** The socket is gone. */
    void end() {
        retry.disarm();
    }
}
