package io.netpark.bench.server;

import io.netpark.bench.server.Service.Reply;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A virtual thread a connection, blocking calls. The harness starts it with a scheduler of one thread. */
final class VirtualThreadServer implements BenchServer {

    @Override
    public int start(Service service) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 65_535);
        Thread.ofVirtual().name("accept").start(() -> accept(listener, service));
        return ((InetSocketAddress) listener.getLocalAddress()).getPort();
    }

    private static void accept(ServerSocketChannel listener, Service service) {
        try {
            while (true) {
                SocketChannel channel = listener.accept();
                Thread.ofVirtual().start(() -> serve(channel, service));
            }
        } catch (IOException e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void serve(SocketChannel channel, Service service) {
        try (channel) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            ByteBuffer request = ByteBuffer.allocateDirect(service.buffer());
            Reply reply = service.reply();
            while (channel.read(request) >= 0) {
                request.flip();
                for (ByteBuffer next = reply.next(request); next != null; next = reply.next(request)) {
                    while (next.hasRemaining()) {
                        channel.write(next); // may be short on a virtual thread, also in blocking mode
                    }
                }
                request.clear();
            }
        } catch (IOException e) {
            // the peer is gone
        }
    }
}
