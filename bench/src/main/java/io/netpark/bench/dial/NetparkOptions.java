package io.netpark.bench.dial;

import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.NetOptions;
import java.time.Duration;

/** What every dialer here sets: no delay; and closing resets, so that no connection stays in TIME_WAIT and keeps its port. */
final class NetparkOptions {

    static final NetOptions SAME_FOR_ALL = NetOptions.DEFAULT.withKeepAlive(false).without(NetOption.KEEP_ALIVE)
            .with(NetOption.LINGER, Duration.ZERO);

    private NetparkOptions() {}
}
