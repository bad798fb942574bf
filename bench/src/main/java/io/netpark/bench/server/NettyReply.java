package io.netpark.bench.server;

import io.netpark.bench.server.Service.Reply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.ByteBuffer;

/** A {@link Reply} behind Netty's pipeline: the next buffer is taken when the one before is written. */
final class NettyReply extends ChannelInboundHandlerAdapter {

    private final Reply reply;
    private final ByteBuffer request = ByteBuffer.allocate(Long.BYTES).flip();

    NettyReply(Service service) {
        reply = service.reply();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        request.clear();
        bytes.readBytes(request);
        bytes.release();
        request.flip();
        answer(context);
    }

    /** Writes on as long as writes complete at once; a listener goes on with one that has to wait. */
    private void answer(ChannelHandlerContext context) {
        for (ByteBuffer next = reply.next(request); next != null; next = reply.next(request)) {
            ChannelFuture written = context.writeAndFlush(Unpooled.wrappedBuffer(next));
            if (!written.isDone()) {
                written.addListener(done -> {
                    if (done.isSuccess()) {
                        answer(context);
                    }
                });
                return;
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
