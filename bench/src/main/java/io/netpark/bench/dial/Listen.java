package io.netpark.bench.dial;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;

/** The process at the other end: {@code listening on 127.0.0.1:PORT}, then it accepts and closes until its input ends. */
public final class Listen {

    /** The kernel caps it at net.core.somaxconn. */
    private static final int BACKLOG = 65_535;

    private Listen() {}

    /** Listens. */
    public static void main(String[] arguments) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), BACKLOG);
        Thread accepting = new Thread(() -> accept(listener), "accept");
        accepting.setDaemon(true);
        accepting.start();
        System.out.println("listening on 127.0.0.1:" + ((InetSocketAddress) listener.getLocalAddress()).getPort());
        while (System.in.read() >= 0) {
            // nothing is asked of it
        }
        Runtime.getRuntime().halt(0);
    }

    private static void accept(ServerSocketChannel listener) {
        try {
            while (true) {
                listener.accept().close();
            }
        } catch (IOException e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }
}
