package io.netpark.bench.dial;

import io.netpark.core.net.SocketOption;
import io.netpark.core.net.SocketOptions;
import java.time.Duration;

/** What every dialer here sets: no delay; and closing resets, so that no connection stays in TIME_WAIT and keeps its port. */
final class NetparkOptions {

    static final SocketOptions SAME_FOR_ALL = SocketOptions.DEFAULT.withKeepAlive(false).without(SocketOption.KEEP_ALIVE)
            .with(SocketOption.LINGER, Duration.ZERO);

    private NetparkOptions() {}
}
