package io.netpark.bench.server;

import io.netpark.bench.server.Service.Mode;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultFileRegion;
import java.io.IOException;
import java.nio.channels.FileChannel;

/**
 * Netty's ways to send a file: a region of it, which its native transport gives to sendfile(2), or buffers of 64 KiB, direct
 * ones or on the heap.
 */
final class NettyFile extends ChannelInboundHandlerAdapter {

    private final FileChannel file;
    private final int size;
    private final Mode mode;
    private long left;

    NettyFile(FileChannel file, int size, Mode mode) {
        this.file = file;
        this.size = size;
        this.mode = mode;
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
            boolean copying = mode != Mode.FILE;
            int count = copying ? (int) Math.min(Service.COPIED_AT_A_TIME, size - position()) : size;
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
        ByteBuf buffer = mode == Mode.FILE_HEAP ? context.alloc().heapBuffer(count) : context.alloc().directBuffer(count);
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
