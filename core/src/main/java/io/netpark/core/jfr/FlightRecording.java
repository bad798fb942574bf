package io.netpark.core.jfr;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.poll.Pollable;
import io.netpark.core.sys.Due;
import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

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
    public void closed(EventLoop loop, Pollable connection) {
        Closed event = new Closed();
        if (event.isEnabled()) {
            event.loop = loop.toString();
            event.connection = connection.toString();
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
