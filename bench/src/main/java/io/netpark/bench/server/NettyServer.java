package io.netpark.bench.server;

import io.netpark.bench.server.Service.Mode;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Netty on its native epoll transport, with its defaults: one event loop accepts, and it or all of several serve. */
public final class NettyServer implements BenchServer {

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(BenchServer.loops(), EpollIoHandler.newFactory());

    @Override
    public int start(Service service) throws IOException, InterruptedException {
        Supplier<ChannelHandler> handlers = handlers(service);
        SslContext tls = Security.forNetty();
        Channel listener = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 65_535)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        if (tls != null) {
                            channel.pipeline().addLast(tls.newHandler(channel.alloc()));
                        }
                        channel.pipeline().addLast(handlers.get());
                    }
                })
                .bind("127.0.0.1", 0).sync().channel();
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    /** What serves a connection: a handler for each. */
    public static Supplier<ChannelHandler> handlers(Service service) throws IOException {
        if (service.mode().isOfFiles()) {
            FileChannel file = service.openFile(FileChannel::open);
            return () -> new NettyFile(file, service.block(), service.mode());
        }
        if (service.mode() == Mode.ECHO) {
            Echo shared = new Echo();
            return () -> shared;
        }
        if (service.mode() == Mode.FRAMES) {
            return NettyFrames::new;
        }
        if (service.mode() == Mode.HTTP) {
            return NettyHttp::new;
        }
        return () -> new NettyReply(service);
    }

    @Override
    public Executor loop() {
        return group.next();
    }

    @ChannelHandler.Sharable
    private static final class Echo extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message, context.voidPromise());
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
