package io.netpark.bench.jmh;

import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.samples.websocket.Arrival;
import io.netpark.samples.websocket.MessageParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.exceptions.InvalidDataException;
import org.java_websocket.framing.Framedata;
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
 * Taking a masked text message out of bytes: the chat sample's own parser, and the codec of Java-WebSocket, which can be used
 * without its transport. Both begin with the bytes in a buffer, as a read from a socket leaves them, and end with the text
 * unmasked and checked.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class WebSocketMessages {

    private static final byte[] MASK = {0x12, 0x34, 0x56, 0x78};
    private static final int LIMIT = 1 << 20;

    /** Bytes of the text. */
    @Param({"32", "4096"})
    public int size;

    private byte[] frame;
    private SegmentPool pool;
    private LinkBuffer input;
    private MessageParser parser;
    private ByteBuffer bytes;
    private Draft_6455 draft;

    /** Makes the parsers. */
    @Setup
    public void open() {
        frame = frame(size);
        pool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build();
        input = new LinkBuffer(pool);
        parser = new MessageParser(LIMIT, pool);
        bytes = ByteBuffer.wrap(frame);
        draft = new Draft_6455(List.of(), LIMIT);
    }

    private static byte[] frame(int size) {
        byte[] text = new byte[size];
        Arrays.fill(text, (byte) 'a');
        ByteBuffer frame = ByteBuffer.allocate(8 + size);
        frame.put((byte) 0x81); // text, final
        if (size < 126) {
            frame.put((byte) (0x80 | size));
        } else {
            frame.put((byte) (0x80 | 126)).putShort((short) size);
        }
        frame.put(MASK);
        for (int i = 0; i < size; i++) {
            frame.put((byte) (text[i] ^ MASK[i % MASK.length]));
        }
        return Arrays.copyOf(frame.array(), frame.position());
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        parser.close();
        input.close();
        pool.close();
    }

    /** The sample's. */
    @Benchmark
    public long netpark() throws IOException {
        input.put(frame);
        if (parser.next(input) != Arrival.TEXT) {
            throw new IllegalStateException("no whole message");
        }
        input.release();
        return parser.getPayload().available();
    }

    /** Java-WebSocket's: its frames come unmasked, and {@code isValid} is where it checks the text. */
    @Benchmark
    public long javaWebSocket() throws InvalidDataException {
        bytes.rewind();
        List<Framedata> frames = draft.translateFrame(bytes);
        return frames.get(0).getPayloadData().remaining();
    }
}
