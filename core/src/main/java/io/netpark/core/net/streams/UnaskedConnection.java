package io.netpark.core.net.streams;

import io.netpark.core.loop.EventLoop;

/** A connection by TCP fast open: connect(2) has succeeded without a word to the peer, and the first bytes will make the connection. */
final class UnaskedConnection extends ConnectionDescriptor {

    UnaskedConnection(EventLoop loop, int fd, byte[] remote) {
        super(loop, fd, remote);
    }

    @Override
    int attemptConnect() {
        return 0;
    }

    @Override
    boolean isConnectedToItself() {
        return false;
    }
}
