package io.netpark.bench.server;

import io.netpark.bench.server.Service.Reply;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The JDK's Selector, by hand: level-triggered, one thread. */
final class SelectorServer implements BenchServer {

    private final Selector selector;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    SelectorServer() throws IOException {
        selector = Selector.open();
    }

    @Override
    public int start(Service service) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 65_535);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        new Thread(() -> run(listener, service), "nio").start();
        return ((InetSocketAddress) listener.getLocalAddress()).getPort();
    }

    @Override
    public Executor loop() {
        return task -> {
            tasks.add(task);
            selector.wakeup();
        };
    }

    private void run(ServerSocketChannel listener, Service service) {
        try {
            while (true) {
                selector.select(key -> ready(key, listener, service));
                for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                    task.run();
                }
            }
        } catch (IOException e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private void ready(SelectionKey key, ServerSocketChannel listener, Service service) {
        try {
            if (key.attachment() instanceof Client client) {
                client.ready(key);
            } else {
                accept(listener, service);
            }
        } catch (IOException e) {
            closeQuietly(key);
        }
    }

    private void accept(ServerSocketChannel listener, Service service) throws IOException {
        SocketChannel channel = listener.accept();
        if (channel != null) {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.register(selector, SelectionKey.OP_READ, new Client(channel, service));
        }
    }

    private static void closeQuietly(SelectionKey key) {
        try {
            key.channel().close();
        } catch (IOException e) {
            // a connection that is gone already
        }
    }

    /** One connection: a buffer, and what of the answer the socket has not taken. */
    private static final class Client {
        private final SocketChannel channel;
        private final ByteBuffer request;
        private final Reply reply;
        private @Nullable ByteBuffer unsent;

        Client(SocketChannel channel, Service service) {
            this.channel = channel;
            this.request = ByteBuffer.allocateDirect(service.buffer());
            this.reply = service.reply();
        }

        void ready(SelectionKey key) throws IOException {
            if (unsent == null) {
                request.clear();
                if (channel.read(request) < 0) {
                    channel.close();
                    return;
                }
                unsent = reply.next(request.flip());
            }
            while (unsent != null) {
                channel.write(unsent);
                if (unsent.hasRemaining()) {
                    key.interestOps(SelectionKey.OP_WRITE);
                    return;
                }
                unsent = reply.next(request);
            }
            if (key.interestOps() != SelectionKey.OP_READ) {
                key.interestOps(SelectionKey.OP_READ);
            }
        }
    }
}
