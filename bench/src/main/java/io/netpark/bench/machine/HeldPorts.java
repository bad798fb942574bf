package io.netpark.bench.machine;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** TCP ports of loopback for programs that cannot choose one themselves, or do not say which. */
public final class HeldPorts {

    /** Sockets that are bound and do nothing else. An open one that nobody knows of would be closed by the garbage collector. */
    private static final Queue<Socket> HELD = new ConcurrentLinkedQueue<>();

    private HeldPorts() {}

    /**
     * A port that nobody else gets by chance, for as long as this process lives. A program listens on it with SO_REUSEADDR, as servers
     * do. Any thread may call this.
     */
    public static int hold() {
        try {
            Socket socket = new Socket();
            HELD.add(socket);
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchFailure("there is no free port: " + e.getMessage());
        }
    }
}
