package io.netpark.bench.server;

import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_LENGTH;
import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_TYPE;
import static io.netty.handler.codec.http.HttpHeaderNames.DATE;
import static io.netty.handler.codec.http.HttpHeaderNames.SERVER;
import static io.netty.handler.codec.http.HttpHeaderValues.TEXT_PLAIN;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.DateFormatter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.Date;

/** Netty's HTTP codec, and behind it a handler that answers every request with a greeting. */
final class NettyHttp extends ChannelInitializer<SocketChannel> {

    private static final byte[] HELLO = "Hello, World!".getBytes(StandardCharsets.US_ASCII);
    private static final ByteBuf BODY = Unpooled.unreleasableBuffer(Unpooled.directBuffer().writeBytes(HELLO)).asReadOnly();
    private static final AsciiString LENGTH = AsciiString.cached(Integer.toString(HELLO.length));
    private static final AsciiString NAME = AsciiString.cached("netty");

    private static long second;
    private static AsciiString date = AsciiString.EMPTY_STRING;

    @Override
    protected void initChannel(SocketChannel channel) {
        channel.pipeline().addLast(new HttpServerCodec(), new Answer());
    }

    /** Made once a second; there is one loop, so nobody else asks meanwhile. */
    private static AsciiString date() {
        long now = System.currentTimeMillis() / 1000;
        if (now != second) {
            second = now;
            date = AsciiString.cached(DateFormatter.format(new Date(now * 1000)));
        }
        return date;
    }

    private static final class Answer extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest) {
                FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK,
                        BODY.duplicate(), DefaultHttpHeadersFactory.headersFactory()
                                .withValidation(false).newHeaders(), EmptyHttpHeaders.INSTANCE);
                response.headers().set(SERVER, NAME).set(DATE, date()).set(CONTENT_TYPE, TEXT_PLAIN).set(CONTENT_LENGTH, LENGTH);
                context.write(response, context.voidPromise());
            }
            ReferenceCountUtil.release(message);
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
