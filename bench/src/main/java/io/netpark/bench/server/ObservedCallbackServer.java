package io.netpark.bench.server;

import io.netpark.core.jfr.ConnectionRecording;
import io.netpark.core.jfr.FlightRecording;
import io.netpark.core.jmx.ManagedLoops;
import io.netpark.core.loop.EventLoopGroup;
import java.io.IOException;
import java.text.ParseException;
import java.time.Duration;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;

/**
 * The same with all that can watch it: metrics, the watchdog, an observer that writes into Flight Recorder, whose default recording runs
 * in memory, a look at all connections once a minute for that, and an MBean.
 */
final class ObservedCallbackServer extends NetparkCallbackServer {

    ObservedCallbackServer() throws IOException, ParseException {
        this(EventLoopGroup.builder().loops(1).metrics(true).watchdog(Duration.ofMillis(200)).observer(new FlightRecording()).open());
    }

    private ObservedCallbackServer(EventLoopGroup group) throws IOException, ParseException {
        super(group);
        Recording recording = new Recording(Configuration.getConfiguration("default"));
        recording.setToDisk(false);
        recording.start();
        ConnectionRecording.of(group);
        ManagedLoops.register(group, "bench");
    }
}
