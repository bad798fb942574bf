package io.netpark.bench.proxy;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.net.InetSocketAddress;

/** Netty on its native epoll transport: one event loop has the clients and their upstreams. Subclasses pass bytes on, one way. */
abstract class NettyProxy implements BenchProxy {

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());

    /** Passes on what one connection reads to the other. It is not being read from yet; called on the loop of both. */
    abstract void pass(EpollSocketChannel source, EpollSocketChannel target);

    private void join(EpollSocketChannel client, EpollSocketChannel upstream) {
        pass(client, upstream);
        pass(upstream, client);
        client.config().setAutoRead(true);
        upstream.config().setAutoRead(true);
    }

    @Override
    public final int start(InetSocketAddress upstream) throws InterruptedException {
        Channel listener = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 65_535)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new Dial(upstream))
                .bind("127.0.0.1", 0).sync().channel();
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** For each client an upstream. */
    @ChannelHandler.Sharable
    private final class Dial extends Failing {
        private final InetSocketAddress upstream;

        Dial(InetSocketAddress upstream) {
            this.upstream = upstream;
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            EpollSocketChannel client = (EpollSocketChannel) context.channel();
            new Bootstrap()
                    .group(client.eventLoop())
                    .channel(EpollSocketChannel.class)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.AUTO_READ, false)
                    .handler(new Failing())
                    .connect(upstream)
                    .addListener((ChannelFuture dialed) -> {
                        if (dialed.isSuccess()) {
                            join(client, (EpollSocketChannel) dialed.channel());
                        } else {
                            client.close();
                        }
                    });
        }
    }

    /** Closes upon a failure. */
    private static class Failing extends ChannelInboundHandlerAdapter {

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
