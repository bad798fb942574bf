package io.netpark.core.inspection;

import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.GroupConnections;
import io.netpark.core.report.GroupHealth;
import io.netpark.core.report.ParkedOperation;
import io.netpark.core.sys.AddressText;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A group's loops, listeners and connections as text, in the way of a thread dump. */
public final class Dump {

    private final StringBuilder text = new StringBuilder();

    private Dump() {}

    /** For people, so it may change. Lines end with a line feed. */
    public static String of(GroupHealth health, GroupConnections connections) {
        Dump dump = new Dump();
        dump.line(0, count(health.loops().size(), "event loop") + ", " + count(health.listeners().size(), "listener") + ", "
                + count(connections.connections().size(), "connection") + ", " + descriptors(health));
        if (health.failure() != null) {
            dump.line(0, "a loop has failed: " + health.failure());
        }
        for (GroupHealth.LoopHealth loop : health.loops()) {
            dump.loop(loop, health, connections);
        }
        return dump.text.toString();
    }

    private void loop(GroupHealth.LoopHealth loop, GroupHealth health, GroupConnections connections) {
        text.append('\n');
        line(0, "\"" + loop.name() + "\" " + (loop.answers() ? "turned " : "DOES NOT TURN, held for at least ") + time(loop.sinceTurn())
                + (loop.answers() ? " after it was asked" : "") + (loop.retiring() ? ", retiring" : "") + ", "
                + count(loop.descriptors(), "descriptor") + ", " + count(loop.pendingTasks(), "pending task"));
        if (loop.occupation() != null) {
            line(1, "held by " + loop.occupation());
        }
        frames(loop.stack());
        if (connections.silent().contains(loop.name())) {
            line(1, "has not told all of its connections in time");
        }
        for (GroupHealth.ListenerHealth listener : health.listeners()) {
            if (listener.loop().equals(loop.name())) {
                line(1, "listener on " + AddressText.of(listener.address()) + ": " + name(listener.state()));
            }
        }
        for (ConnectionSnapshot connection : connections.connections()) {
            if (connection.loop().equals(loop.name())) {
                connection(connection);
            }
        }
    }

    private void connection(ConnectionSnapshot connection) {
        line(1, "connection to " + AddressText.of(connection.peer())
                + (connection.local() == null ? "" : " (local " + AddressText.of(connection.local()) + ")") + ": "
                + name(connection.state()) + (connection.tls() == null ? "" : ", " + connection.tls())
                + ", age " + time(connection.age()) + (connection.idle() == null ? "" : ", idle " + time(connection.idle()))
                + ", " + connection.bytesIn() + " B in, " + connection.bytesOut() + " B out"
                + (connection.pendingOutput() == 0 ? "" : ", " + connection.pendingOutput() + " B pending"));
        limits(connection.limits());
        if (connection.handler() != null) {
            line(2, "handler " + connection.handler());
        }
        for (ParkedOperation parked : connection.parked()) {
            line(2, "parked to " + parked.operation() + ": " + parked.waiter());
            frames(parked.frames());
        }
    }

    private void limits(ConnectionSnapshot.TimeLimits limits) {
        StringBuilder known = new StringBuilder();
        add(known, "read deadline in ", limits.readDeadline());
        add(known, "write deadline in ", limits.writeDeadline());
        add(known, "read timeout ", limits.readTimeout());
        add(known, "write timeout ", limits.writeTimeout());
        add(known, "idle timeout ", limits.idleTimeout());
        if (known.length() > 0) {
            line(2, known.toString());
        }
    }

    private static void add(StringBuilder known, String what, @Nullable Duration time) {
        if (time != null) {
            known.append(known.length() == 0 ? "" : ", ").append(what).append(time(time));
        }
    }

    private void frames(List<StackTraceElement> frames) {
        for (StackTraceElement frame : frames) {
            line(3, "at " + frame);
        }
    }

    private void line(int depth, String what) {
        text.append("    ".repeat(depth)).append(what).append('\n');
    }

    private static String descriptors(GroupHealth health) {
        if (health.openDescriptors() < 0) {
            return "open descriptors unknown";
        }
        return count(health.openDescriptors(), "descriptor") + " open"
                + (health.mostDescriptors() < 0 || health.mostDescriptors() == Long.MAX_VALUE ? "" : " of " + health.mostDescriptors());
    }

    private static String count(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    private static String name(Enum<?> state) {
        return state.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static String time(Duration time) {
        return String.format(Locale.ROOT, "%.3f s", time.toNanos() / 1e9);
    }
}
