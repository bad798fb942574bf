package io.netpark.bench.server;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;

/** The same, with everything on that watches it in production: metrics and the watchdog. */
final class MeteredCallbackServer extends NetparkCallbackServer {

    MeteredCallbackServer() throws NetparkException {
        super(EventLoopGroup.builder().loops(1).metrics(true).watchdog(Duration.ofMillis(200)).open());
    }
}
