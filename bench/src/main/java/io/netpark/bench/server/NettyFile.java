package io.netpark.bench.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultFileRegion;
import java.io.IOException;
import java.nio.channels.FileChannel;

/** Netty's ways to send a file: a region of it, which its native transport gives to sendfile(2), or buffers of 64 KiB. */
final class NettyFile extends ChannelInboundHandlerAdapter {

    private static final int BUFFER = 64 * 1024;

    private final FileChannel file;
    private final int size;
    private final boolean copying;
    private long left;

    NettyFile(FileChannel file, int size, boolean copying) {
        this.file = file;
        this.size = size;
        this.copying = copying;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws IOException {
        ByteBuf request = (ByteBuf) message;
        boolean idle = left == 0;
        left += request.readLong() * size;
        request.release();
        if (idle) {
            answer(context);
        }
    }

    /** Writes on as long as writes complete at once; a listener goes on with one that has to wait. */
    private void answer(ChannelHandlerContext context) throws IOException {
        while (left > 0) {
            int count = copying ? (int) Math.min(BUFFER, size - position()) : size;
            ChannelFuture written = context.writeAndFlush(copying ? buffer(context, count) : new Region(file, size));
            left -= count;
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

    private long position() {
        return (size - left % size) % size;
    }

    private ByteBuf buffer(ChannelHandlerContext context, int count) throws IOException {
        ByteBuf buffer = context.alloc().directBuffer(count);
        long from = position();
        while (buffer.isWritable()) {
            buffer.writeBytes(file, from + buffer.writerIndex(), count - buffer.writerIndex());
        }
        return buffer;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }

    /** One of a file that others send too. */
    private static final class Region extends DefaultFileRegion {
        Region(FileChannel file, long size) {
            super(file, 0, size);
        }

        @Override
        protected void deallocate() {}
    }
}
