package io.netpark.core.jfr;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.ConnectionSnapshot;
import io.netpark.core.report.ParkedOperation;
import io.netpark.core.sys.AddressText;
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

/**
 * Writes what {@link EventLoopGroup#connections()} finds into JDK Flight Recorder, an event {@code netpark.Connection} for each connection,
 * once a minute while a recording runs; the recording's settings may say another period. Looks at nothing while none runs.
 */
public final class ConnectionRecording implements AutoCloseable {

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

        @Label("Handler")
        String handler = "";

        @Label("Parked")
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
            event.handler = connection.handler() == null ? "" : connection.handler();
            event.parked = text(connection.parked());
            event.commit();
        }
    }

    private static String text(List<ParkedOperation> parked) {
        return parked.stream().map(operation -> operation.operation() + ": " + operation.waiter()
                + (operation.frames().isEmpty() ? "" : " at " + operation.frames().get(0))).collect(Collectors.joining("; "));
    }
}
