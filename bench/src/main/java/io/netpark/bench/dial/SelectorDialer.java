package io.netpark.bench.dial;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** The JDK's Selector, by hand, one thread. */
final class SelectorDialer implements BenchDialer {

    /** One for all rounds: what a thread has allocated is not known of it everywhere once it has ended. */
    private final Executor thread = Executors.newSingleThreadExecutor();

    @Override
    public void start(InetSocketAddress listener, Round round) {
        thread.execute(() -> run(listener, round));
    }

    private static void run(InetSocketAddress listener, Round round) {
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < Round.AT_A_TIME; i++) {
                next(selector, listener, round);
            }
            while (!selector.keys().isEmpty()) { // one that is closed is among them until the next select
                selector.select(key -> connected(key, listener, round), 100);
            }
        } catch (IOException e) {
            round.failed(e);
        }
    }

    private static void next(Selector selector, InetSocketAddress listener, Round round) {
        if (!round.goesOn()) {
            return;
        }
        try {
            Long start = System.nanoTime();
            SocketChannel channel = SocketChannel.open();
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
            SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT, start);
            if (channel.connect(listener)) {
                connected(key, listener, round);
            }
        } catch (IOException e) {
            round.failed(e);
        }
    }

    private static void connected(SelectionKey key, InetSocketAddress listener, Round round) {
        SocketChannel channel = (SocketChannel) key.channel();
        try {
            channel.finishConnect();
            round.dialed((Long) key.attachment());
            channel.close();
            next(key.selector(), listener, round);
        } catch (IOException e) {
            round.failed(e);
        }
    }
}
