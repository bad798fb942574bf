package io.netpark.callback;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * A TCP port that is taken and at which nobody listens: who dials it is refused. A test may listen on it, as SO_REUSEADDR is on;
 * nobody else gets it by chance until this is closed.
 */
final class HeldPort implements AutoCloseable {

    /** A kernel in memory has no other programs, and the first port is nobody's. */
    private static final int IN_MEMORY = 1;

    private final Socket socket = new Socket();
    private final InetSocketAddress address;

    HeldPort(InetAddress host) throws IOException {
        if (ScheduledRun.current() != null) {
            address = new InetSocketAddress(host, IN_MEMORY);
            return;
        }
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(host, 0));
        address = (InetSocketAddress) socket.getLocalSocketAddress();
    }

    InetSocketAddress address() {
        return address;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
