package io.netpark.core.jfr;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.poll.Pollable;
import io.netpark.core.report.DialFault;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * Writes what happens into JDK Flight Recorder: {@code EventLoopGroup.builder().observer(new FlightRecording())}. Costs nothing
 * to speak of while no recording runs, or has the events disabled.
 */
public final class FlightRecording implements Observer {

    /** Writes while a recording runs. */
    public FlightRecording() {}

    /** What the events have in common. */
    @Category("Netpark")
    @StackTrace(false)
    abstract static class LoopEvent extends Event {
        @Label("Event loop")
        String loop = "";
    }

    @Name("netpark.ConnectionOpened")
    @Label("Connection opened")
    static final class Opened extends LoopEvent {
        @Label("Connection")
        String connection = "";
    }

    @Name("netpark.ConnectionClosed")
    @Label("Connection closed")
    static final class Closed extends LoopEvent {
        @Label("Connection")
        String connection = "";

        @Label("Life")
        @Timespan(Timespan.NANOSECONDS)
        long life;
    }

    @Name("netpark.Resolved")
    @Label("Name resolved")
    @Description("A resolver has answered a dial, with addresses or without")
    static final class Resolved extends LoopEvent {
        @Label("Host")
        String host = "";

        @Label("Took")
        @Timespan(Timespan.NANOSECONDS)
        long took;

        @Label("Failure")
        @Description("Empty if there are addresses")
        String failure = "";
    }

    @Name("netpark.Dialed")
    @Label("Dialed")
    @Description("A dial has ended, with a connection or without")
    static final class Dialed extends LoopEvent {
        @Label("Remote")
        String remote = "";

        @Label("Took")
        @Description("With the look-up of a name, and with the TLS handshake if there is one")
        @Timespan(Timespan.NANOSECONDS)
        long took;

        @Label("Outcome")
        @Description("CONNECTED, or a DialFault")
        String outcome = "";

        @Label("Failure")
        @Description("Empty if there is a connection")
        String failure = "";
    }

    @Name("netpark.Handshake")
    @Label("TLS handshake")
    static final class Handshake extends LoopEvent {
        @Label("Connection")
        String connection = "";

        @Label("Took")
        @Timespan(Timespan.NANOSECONDS)
        long took;

        @Label("Protocol")
        @Description("Empty if it has failed")
        String protocol = "";

        @Label("Resumed")
        boolean resumed;

        @Label("Failure")
        @Description("Empty if it has ended well")
        String failure = "";
    }

    @Name("netpark.LongTurn")
    @Label("Long turn")
    @Description("A turn of the loop took 10 ms or longer; in groups with metrics")
    static final class LongTurn extends LoopEvent {
        @Label("Took")
        @Timespan(Timespan.NANOSECONDS)
        long took;

        @Label("Longest run")
        @Description("Of what was parked on a descriptor; if that is little, the turn had much to do, or tasks or timers took the time")
        @Timespan(Timespan.NANOSECONDS)
        long longestRun;

        @Label("Longest delay")
        @Description("How long the last of what was found ready had to wait for its run")
        @Timespan(Timespan.NANOSECONDS)
        long longestDelay;
    }

    @Name("netpark.ConnectionRefused")
    @Label("Connection refused")
    @Description("Accepted and reset, because a limit of connections is reached")
    static final class Refused extends LoopEvent {
        @Label("Listener")
        String listener = "";
    }

    @Name("netpark.AcceptPaused")
    @Label("Accepting paused")
    @Description("Descriptors or memory have run out; it goes on by itself")
    static final class AcceptPaused extends LoopEvent {
        @Label("Listener")
        String listener = "";

        @Label("Why")
        String why = "";
    }

    @Name("netpark.LoopHeld")
    @Label("Event loop held")
    @Description("One callback, task or coroutine has not returned for longer than the watchdog allows")
    static final class Held extends LoopEvent {
        @Label("Held for at least")
        @Timespan(Timespan.NANOSECONDS)
        long heldFor;

        @Label("Where")
        String where = "";
    }

    @Override
    public void opened(EventLoop loop, Pollable connection) {
        Opened event = new Opened();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.connection = connection.toString();
            event.commit();
        }
    }

    @Override
    public void closed(EventLoop loop, Pollable connection, Duration life) {
        Closed event = new Closed();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.connection = connection.toString();
            event.life = Due.nanos(life);
            event.commit();
        }
    }

    @Override
    public void resolved(EventLoop loop, String host, Duration took, @Nullable Throwable failure) {
        Resolved event = new Resolved();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.host = host;
            event.took = Due.nanos(took);
            event.failure = failure == null ? "" : failure.toString();
            event.commit();
        }
    }

    @Override
    public void dialed(EventLoop loop, String remote, Duration took, @Nullable NetparkException failure) {
        Dialed event = new Dialed();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.remote = remote;
            event.took = Due.nanos(took);
            event.outcome = failure == null ? "CONNECTED" : DialFault.of(failure).name();
            event.failure = failure == null ? "" : String.valueOf(failure.getMessage());
            event.commit();
        }
    }

    @Override
    public void secured(EventLoop loop, Pollable connection, Duration took, String protocol, boolean resumed) {
        handshake(loop, connection, took, protocol, resumed, "");
    }

    @Override
    public void notSecured(EventLoop loop, Pollable connection, Duration took, NetparkException why) {
        handshake(loop, connection, took, "", false, String.valueOf(why.getMessage()));
    }

    private static void handshake(
            EventLoop loop, Pollable connection, Duration took, String protocol, boolean resumed, String failure) {
        Handshake event = new Handshake();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.connection = connection.toString();
            event.took = Due.nanos(took);
            event.protocol = protocol;
            event.resumed = resumed;
            event.failure = failure;
            event.commit();
        }
    }

    @Override
    public void longTurn(EventLoop loop, Duration took, Duration longestRun, Duration longestDelay) {
        LongTurn event = new LongTurn();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.took = Due.nanos(took);
            event.longestRun = Due.nanos(longestRun);
            event.longestDelay = Due.nanos(longestDelay);
            event.commit();
        }
    }

    @Override
    public void refused(EventLoop loop, Pollable listener) {
        Refused event = new Refused();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.listener = listener.toString();
            event.commit();
        }
    }

    @Override
    public void acceptPaused(EventLoop loop, Pollable listener, Throwable why) {
        AcceptPaused event = new AcceptPaused();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.listener = listener.toString();
            event.why = String.valueOf(why.getMessage());
            event.commit();
        }
    }

    @Override
    public void held(EventLoop loop, Duration atLeast, Throwable where) {
        Held event = new Held();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.heldFor = Due.nanos(atLeast);
            StackTraceElement[] stack = where.getStackTrace();
            event.where = stack.length == 0 ? "" : stack[0].toString();
            event.commit();
        }
    }
}
