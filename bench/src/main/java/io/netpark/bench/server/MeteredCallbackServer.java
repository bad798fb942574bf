package io.netpark.bench.server;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;

/** The same with metrics and the watchdog on. */
final class MeteredCallbackServer extends NetparkCallbackServer {

    MeteredCallbackServer() throws NetparkException {
        super(EventLoopGroup.builder().loops(1).metrics(true).watchdog(Duration.ofMillis(200)).open());
    }
}
