package io.netpark.bench.proxy;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.EpollSocketChannel;

/** Netty by {@code spliceTo}, both ways: bytes stay in the kernel. */
final class NettySpliceProxy extends NettyProxy {

    /** What {@code spliceTo} takes for "until it ends". */
    private static final int ENDLESS = Integer.MAX_VALUE;

    /** Endless as it is, it ends by a failure only: either channel has been closed. */
    @Override
    @SuppressWarnings("deprecation") // as splicing is in Netty 4.2
    void pass(EpollSocketChannel source, EpollSocketChannel target) {
        source.spliceTo(target, ENDLESS).addListener((ChannelFuture ended) -> {
            source.close();
            target.close();
        });
    }
}
