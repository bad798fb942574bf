package io.netpark.core.net.serving.rules;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The phases of a {@link Shutdown}, one after the other. This does what is due between two phases, and says how long to wait in each;
 * the waiting belongs to the API. The first call of a shutdown {@linkplain #begin begins} the ending and goes through it; further calls
 * wait for its report, and may {@linkplain #hurry hurry} it.
 *
 * <pre>{@code
 * if (ending.begin(phases)) {
 *     for (long nanos = ending.next(); nanos != Ending.OVER; nanos = ending.next()) {
 *         // wait so long, or until nothing is left to wait for
 *     }
 * }
 * }</pre>
 *
 * Threads: {@link #begin} and {@link #hurry} may be called by any; the rest belongs to the call that has begun.
 */
public final class Ending {

    /** In the place of a time to wait: the {@link #report} is there. */
    public static final long OVER = -1;

    /** How long handlers that were cut off have to feel that and to leave. */
    public static final long NANOS_TO_LEAVE = TimeUnit.MILLISECONDS.toNanos(250);

    /** What a phase waits for, beside its time. */
    public enum Phase {
        /** The ending has not begun, or is about to. */
        NONE,
        /** For nothing: its time, or until somebody is in a hurry. */
        ANNOUNCE,
        /** Until no connection is left, or somebody is in a hurry. */
        FINISH,
        /** Until no connection is left, or somebody is in a hurry. */
        FLUSH,
        /** Until no handler is left, whoever is in a hurry. */
        LEAVE,
        /** The end. */
        OVER
    }

    private final Server server;
    /**
     * Whether a handler has each connection in its hands. Then writing is the handler's affair: the time to flush is more time to
     * finish. Those that are cut off are given a moment to leave.
     */
    private final boolean hasHandlers;
    private final AtomicBoolean begun = new AtomicBoolean();
    private volatile boolean hurried;

    /**
     * <pre>
     *   NONE --announce--> ANNOUNCE --stop accepting, end what is idle--> FINISH --flush--> FLUSH
     *   FINISH, FLUSH --cut off: none was left--> OVER
     *                 --cut off: a handler was left--> LEAVE ----> OVER
     *   any --abandon--> OVER
     * </pre>
     */
    private volatile Phase phase = Phase.NONE;
    private Shutdown phases = Shutdown.within(Duration.ZERO);
    private int cut;
    private Shutdown.@Nullable Report report;

    private Ending(Server server, boolean hasHandlers) {
        this.server = server;
        this.hasHandlers = hasHandlers;
    }

    /** Of a server with a handler for each connection. */
    public static Ending ofHandlers(Server server) {
        return new Ending(server, true);
    }

    /** Of a server with callbacks: it writes what they have left to be written. */
    public static Ending ofCallbacks(Server server) {
        return new Ending(server, false);
    }

    /** The longest that the phases may take: all their times, at most {@link Due#FOREVER}, in nanoseconds. */
    public static long longest(Shutdown phases) {
        return sum(Due.nanos(phases.announce()), timeToEnd(phases));
    }

    private static long timeToEnd(Shutdown phases) {
        return sum(Due.nanos(phases.finish()), Due.nanos(phases.flush()));
    }

    private static long sum(long nanos, long more) {
        return Math.min(Due.FOREVER, nanos + more); // neither is more than half of what a long can hold
    }

    /** Whether this call is the first: it is to go through the phases. */
    public boolean begin(Shutdown phases) {
        if (!begun.compareAndSet(false, true)) {
            return false;
        }
        this.phases = phases;
        return true;
    }

    /** No more time: all waiting ends but the last, which is short. */
    public void hurry() {
        hurried = true;
    }

    public boolean isHurried() {
        return hurried;
    }

    public Phase phase() {
        return phase;
    }

    /**
     * Goes on to the next phase.
     *
     * @return how many nanoseconds it may take, or {@link #OVER}
     */
    public long next() {
        switch (phase) {
            case NONE -> {
                phase = Phase.ANNOUNCE;
                server.announce();
                return inTime(Due.nanos(phases.announce()));
            }
            case ANNOUNCE -> {
                phase = Phase.FINISH;
                server.stopAccepting();
                if (!phases.keepIdle()) {
                    server.endIdle();
                }
                return inTime(hasHandlers ? timeToEnd(phases) : Due.nanos(phases.finish()));
            }
            case FINISH -> {
                phase = Phase.FLUSH;
                long nanos = hasHandlers ? 0 : Due.nanos(phases.flush());
                return server.flush(nanos) ? inTime(nanos) : next();
            }
            case FLUSH -> {
                phase = Phase.LEAVE;
                cut = server.cutOff("as the time to finish was over");
                return hasHandlers && cut > 0 ? NANOS_TO_LEAVE : next();
            }
            case LEAVE -> {
                report = server.report(cut);
                phase = Phase.OVER;
                return OVER;
            }
            default -> {
                return OVER;
            }
        }
    }

    private long inTime(long nanos) {
        return hurried ? 0 : nanos;
    }

    /**
     * Whatever was thrown on the way: accepting stops, if it has not, and what is left is cut off, so that everybody who waits gets a
     * report. Does nothing at the end.
     */
    public void abandon() {
        if (phase == Phase.OVER) {
            return;
        }
        try {
            if (phase == Phase.NONE || phase == Phase.ANNOUNCE) {
                server.stopAccepting();
            }
        } finally {
            try {
                cut += server.cutOff("by a failure");
            } finally {
                report = server.report(cut);
                phase = Phase.OVER;
            }
        }
    }

    /** @throws IllegalStateException if it is not over */
    public Shutdown.Report report() {
        Shutdown.Report known = report;
        if (known == null) {
            throw new IllegalStateException("there is no report before the end; this is in the phase " + phase);
        }
        return known;
    }
}
