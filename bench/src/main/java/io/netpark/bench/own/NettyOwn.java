package io.netpark.bench.own;

import io.netpark.bench.server.NettyServer;
import io.netpark.bench.server.Service;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The same requests through Netty's EmbeddedChannel: a buffer of the pool, the pipeline with the handler, the queue of what is to be
 * written. Netty's event loop and its transport are not in it, so a server on Netty costs more than this.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 8, time = 1)
@Measurement(iterations = 8, time = 1)
@Fork(3)
public class NettyOwn {

    private static final int PAYLOAD = 1024;

    /** What is served. */
    @Param({"echo", "frame"})
    public String server = "";

    /** How many channels take turns. */
    @Param({"1", "100"})
    public int connections;

    private EmbeddedChannel[] channels;
    private byte[] head;
    private int length;
    private int next;

    /** Makes the channels. */
    @Setup
    public void open() throws Exception {
        boolean isEcho = server.equals("echo");
        head = isEcho ? new byte[0] : ByteBuffer.allocate(Integer.BYTES).putInt(PAYLOAD).array();
        length = head.length + PAYLOAD;
        Supplier<ChannelHandler> handlers = NettyServer.handlers(new Service(isEcho ? Service.Mode.ECHO : Service.Mode.FRAMES, 0, 0));
        channels = new EmbeddedChannel[connections];
        for (int i = 0; i < connections; i++) {
            channels[i] = new EmbeddedChannel(handlers.get());
            channels[i].config().setAllocator(PooledByteBufAllocator.DEFAULT);
        }
    }

    /** Closes them. */
    @TearDown
    public void close() {
        for (EmbeddedChannel channel : channels) {
            channel.finishAndReleaseAll();
        }
    }

    /** One request, and its answer. */
    @Benchmark
    public int request() {
        EmbeddedChannel channel = channels[next];
        next = next + 1 == connections ? 0 : next + 1;
        ByteBuf request = channel.alloc().directBuffer(length);
        request.writeBytes(head).writerIndex(length); // the other bytes are whatever is in the memory
        channel.writeOneInbound(request, channel.voidPromise());
        channel.flushInbound();
        int answered = 0;
        for (ByteBuf part; (part = channel.readOutbound()) != null; part.release()) {
            answered += part.readableBytes();
        }
        if (answered != length) {
            throw new IllegalStateException(answered + " bytes were answered, and not " + length);
        }
        return answered;
    }
}
