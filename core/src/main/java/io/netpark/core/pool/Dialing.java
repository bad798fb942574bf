package io.netpark.core.pool;

import io.netpark.core.net.dialing.Dial;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** One attempt to connect. It is made for nobody: whoever waits longest gets what comes of it. */
final class Dialing implements Dial.Outcome {

    final Destination destination;
    private final Supply supply;
    private volatile @Nullable Dial dial;

    Dialing(Supply supply, Destination destination) {
        this.supply = supply;
        this.destination = destination;
    }

    void start(Dialer dialer) {
        dial = dialer.dial(destination.address, this);
    }

    /** As the pool is closed. */
    void cancel() {
        Dial dial = this.dial;
        if (dial != null && dial.cancel()) {
            failed(new NetparkException.Closed("connect to " + destination + ": the pool was closed"));
        }
    }

    @Override
    public void connected(ConnectionDescriptor connection) {
        supply.connected(this, connection);
    }

    @Override
    public void failed(NetparkException cause) {
        supply.failed(this, cause);
    }
}
