package io.netpark.core.jfr;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.ParkedOperation;
import io.netpark.core.sys.AddressText;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * Writes what {@link EventLoopGroup#connections()} finds into JDK Flight Recorder, an event {@code netpark.Connection} for each connection,
 * once a minute while a recording runs; the recording's settings may say another period. Looks at nothing while none runs.
 */
public final class ConnectionRecording implements AutoCloseable {

    /** Tools show a time span of this as one that there is not. */
    private static final long NONE = Long.MIN_VALUE;

    private final EventLoopGroup group;
    private final Runnable hook = this::record;

    private ConnectionRecording(EventLoopGroup group) {
        this.group = group;
    }

    /** Begins. To be closed before the group, or with it. */
    public static ConnectionRecording of(EventLoopGroup group) {
        ConnectionRecording recording = new ConnectionRecording(group);
        FlightRecorder.addPeriodicEvent(Seen.class, recording.hook);
        return recording;
    }

    /** Ends it. Calling it again has no effect. */
    @Override
    public void close() {
        FlightRecorder.removePeriodicEvent(hook);
    }

    @Name("netpark.Connection")
    @Label("Connection")
    @Description("An open connection, and where its handler is parked")
    @Category("Netpark")
    @StackTrace(false)
    @Period("60 s")
    static final class Seen extends Event {
        @Label("Event loop")
        String loop = "";

        @Label("Peer")
        String peer = "";

        @Label("State")
        String state = "";

        @Label("TLS")
        String tls = "";

        @Label("Age")
        @Timespan(Timespan.NANOSECONDS)
        long age;

        @Label("Idle")
        @Description("-1 if that is not known")
        @Timespan(Timespan.NANOSECONDS)
        long idle;

        @Label("Bytes in")
        @DataAmount
        long bytesIn;

        @Label("Bytes out")
        @DataAmount
        long bytesOut;

        @Label("Pending output")
        @DataAmount
        long pendingOutput;

        @Label("Read deadline")
        @Description("How long until then, negative once it has passed")
        @Timespan(Timespan.NANOSECONDS)
        long readDeadline;

        @Label("Write deadline")
        @Description("How long until then, negative once it has passed")
        @Timespan(Timespan.NANOSECONDS)
        long writeDeadline;

        @Label("Read timeout")
        @Timespan(Timespan.NANOSECONDS)
        long readTimeout;

        @Label("Write timeout")
        @Timespan(Timespan.NANOSECONDS)
        long writeTimeout;

        @Label("Idle timeout")
        @Timespan(Timespan.NANOSECONDS)
        long idleTimeout;

        @Label("Handler")
        String handler = "";

        @Label("Parked")
        @Description("Who waits to read and to write, and where, the innermost function first")
        String parked = "";
    }

    private void record() {
        for (ConnectionSnapshot connection : group.connections().connections()) {
            Seen event = new Seen();
            event.loop = connection.loop();
            event.peer = AddressText.of(connection.peer());
            event.state = connection.state().name();
            event.tls = connection.tls() == null ? "" : connection.tls();
            event.age = connection.age().toNanos();
            event.idle = connection.idle() == null ? -1 : connection.idle().toNanos();
            event.bytesIn = connection.bytesIn();
            event.bytesOut = connection.bytesOut();
            event.pendingOutput = connection.pendingOutput();
            ConnectionSnapshot.TimeLimits limits = connection.limits();
            event.readDeadline = nanos(limits.readDeadline());
            event.writeDeadline = nanos(limits.writeDeadline());
            event.readTimeout = nanos(limits.readTimeout());
            event.writeTimeout = nanos(limits.writeTimeout());
            event.idleTimeout = nanos(limits.idleTimeout());
            event.handler = connection.handler() == null ? "" : connection.handler();
            event.parked = text(connection.parked());
            event.commit();
        }
    }

    private static long nanos(@Nullable Duration limit) {
        return limit == null ? NONE : limit.toNanos();
    }

    private static String text(List<ParkedOperation> parked) {
        return parked.stream().map(operation -> operation.operation() + ": " + operation.waiter() + where(operation.frames()))
                .collect(Collectors.joining("; "));
    }

    private static String where(List<StackTraceElement> frames) {
        return frames.isEmpty() ? "" : frames.stream().map(StackTraceElement::toString).collect(Collectors.joining(", ", " at ", ""));
    }
}
