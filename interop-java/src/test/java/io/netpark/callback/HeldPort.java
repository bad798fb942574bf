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

    private final Socket socket = new Socket();

    HeldPort(InetAddress host) throws IOException {
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(host, 0));
    }

    InetSocketAddress address() {
        return (InetSocketAddress) socket.getLocalSocketAddress();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
