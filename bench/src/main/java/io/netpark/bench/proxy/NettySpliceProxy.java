package io.netpark.bench.proxy;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.EpollSocketChannel;

/** Netty by {@code spliceTo}, both ways: bytes stay in the kernel. */
final class NettySpliceProxy extends NettyProxy {

    /** What {@code spliceTo} takes for "until it ends". */
    private static final int ENDLESS = Integer.MAX_VALUE;

    @Override
    void join(EpollSocketChannel client, EpollSocketChannel upstream) {
        splice(client, upstream);
        splice(upstream, client);
        client.config().setAutoRead(true);
        upstream.config().setAutoRead(true);
    }

    /** Endless as it is, it ends by a failure only: either channel has been closed. */
    @SuppressWarnings("deprecation") // as splicing is in Netty 4.2
    private static void splice(EpollSocketChannel source, EpollSocketChannel target) {
        source.spliceTo(target, ENDLESS).addListener((ChannelFuture ended) -> {
            source.close();
            target.close();
        });
    }
}
