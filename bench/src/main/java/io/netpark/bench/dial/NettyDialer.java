package io.netpark.bench.dial;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import java.net.InetSocketAddress;

/** Netty's Bootstrap on its native epoll transport, one event loop. */
final class NettyDialer implements BenchDialer {

    private final EventLoop loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory()).next();
    private final Bootstrap bootstrap = new Bootstrap()
            .group(loop)
            .channel(EpollSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_LINGER, 0)
            .handler(new Nothing());

    @Override
    public void start(InetSocketAddress listener, Round round) {
        loop.execute(() -> {
            for (int i = 0; i < Round.AT_A_TIME; i++) {
                next(listener, round);
            }
        });
    }

    private void next(InetSocketAddress listener, Round round) {
        if (!round.goesOn()) {
            return;
        }
        long start = System.nanoTime();
        bootstrap.connect(listener).addListener((ChannelFuture future) -> {
            if (!future.isSuccess()) {
                round.failed(future.cause());
            } else {
                round.dialed(start);
                future.channel().close();
                next(listener, round);
            }
        });
    }

    /** Bootstrap wants a handler. */
    @ChannelHandler.Sharable
    private static final class Nothing extends ChannelInboundHandlerAdapter {}
}
