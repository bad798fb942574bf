package io.netpark.bench.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;

/** Netty's decoder, and behind it a handler that writes each message anew. */
final class NettyFrames extends ChannelInitializer<Channel> {

    private static final int LONGEST = 1 << 20;

    @Override
    protected void initChannel(Channel channel) {
        channel.pipeline().addLast(
                new LengthFieldBasedFrameDecoder(LONGEST, 0, Integer.BYTES, 0, Integer.BYTES), new Answer());
    }

    private static final class Answer extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf payload = (ByteBuf) message;
            int length = payload.readableBytes();
            ByteBuf answer = context.alloc().buffer(Integer.BYTES + length);
            answer.writeInt(length).writeBytes(payload);
            payload.release();
            context.write(answer, context.voidPromise());
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
