package io.netpark.callback;

import io.netpark.blocking.BlockingListener;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;

/** As {@link ScheduledSocket}, of those who listen. */
final class ScheduledServerSocket extends ServerSocket {

    private final BlockingListener listener;

    ScheduledServerSocket(BlockingListener listener) throws IOException {
        this.listener = listener;
    }

    @Override
    public Socket accept() throws IOException {
        return new ScheduledSocket(listener.accept());
    }

    @Override
    public SocketAddress getLocalSocketAddress() {
        return listener.localAddress();
    }

    @Override
    public int getLocalPort() {
        return listener.port();
    }

    /** There is room for little in any case. */
    @Override
    public void setReceiveBufferSize(int size) {}

    @Override
    public void close() {
        listener.close();
    }
}
