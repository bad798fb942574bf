package io.netpark.core.net.streams;

import io.netpark.core.loop.EventLoop;

/** A connection that has a place in somebody's count. A class of its own, as other connections have no memory to spare for the field. */
final class AdmittedConnection extends ConnectionDescriptor {

    private final Departure departure;

    AdmittedConnection(EventLoop loop, int fd, byte[] remote, Departure departure) {
        super(loop, fd, remote);
        this.departure = departure;
    }

    /** Later than the close, if something lingers: that is a descriptor which the peer occupies. */
    @Override
    void released() {
        departure.gone(remote);
    }
}
